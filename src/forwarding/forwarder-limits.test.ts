import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { answer, ForwarderRig, failure, HASH } from "../../test/support/forwarder-rig.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";

const { started, completed, stopped } = ANNOUNCE_EVENT;

let rig: ForwarderRig;

beforeEach(() => {
  rig = new ForwarderRig();
});

describe("order and limits", () => {
  it("a client's announces go out one after the other", async () => {
    rig.take({ event: started });
    rig.take({ event: completed });
    rig.take({ event: stopped });
    assert.equal(rig.asked.length, 1);
    await rig.asked[0].answer(answer());
    assert.equal(rig.asked.length, 2);
    await rig.asked[1].answer(failure());
    assert.equal(rig.asked.length, 3);
  });

  it("of a client's regular announces that wait, the last is enough", async () => {
    rig.take({ event: started });
    rig.now += 100;
    rig.take({ url: `http://t.example/a?info_hash=${HASH}&port=1&uploaded=1` });
    rig.now += 100;
    rig.take({ url: `http://t.example/a?info_hash=${HASH}&port=1&uploaded=2` });
    await rig.asked[0].answer(answer());
    assert.equal(rig.asked.length, 2);
    assert.match(rig.asked[1].announcement.url, /uploaded=2/);
  });

  it("so many are on their way at once, and the others have their turn", async () => {
    rig = new ForwarderRig({ maxRequests: 3, maxPerTracker: 2 });
    for (let client = 0; client < 6; client++) rig.take({ client });
    for (let client = 6; client < 9; client++)
      rig.take({ client, swarm: 2, url: `http://other.example/a?info_hash=${HASH}&port=1` });
    assert.deepEqual(
      [rig.asked.length, rig.forwarder.schedule.running, rig.forwarder.schedule.queued],
      [3, 3, 6],
    );
    for (let i = 0; i < 9; i++) await rig.asked[i].answer(answer());
    assert.equal(rig.asked.length, 9);
    assert.deepEqual([rig.forwarder.schedule.running, rig.forwarder.schedule.queued], [0, 0]);
  });

  it("who is not asked for yet does not wait for peers that have come", async () => {
    rig = new ForwarderRig({ maxPerTracker: 1 });
    rig.take();
    const queued = rig.take({ client: 2, event: started });
    const observed = rig.take({ client: 3, event: started, isObserved: true });
    await rig.asked[0].answer(answer());
    assert.ok(rig.resumed.some(({ token }) => token === queued));
    assert.ok(!rig.resumed.some(({ token }) => token === observed));
    assert.equal(rig.asked.length, 2, "but it is asked for all the same");
  });

  it("beyond that, announces are dropped and nobody waits", () => {
    rig = new ForwarderRig({ maxPerTracker: 1, maxQueuedPerTracker: 2 });
    for (let client = 0; client < 5; client++) rig.take({ client });
    const [upstream] = rig.forwarder.schedule.upstreams;
    assert.deepEqual([rig.resumed.length, upstream.counts.dropped, rig.forwarder.schedule.queued], [2, 2, 2]);
  });

  it("what one client has too much of is dropped without a word to others", () => {
    rig = new ForwarderRig({ maxPerAddress: 1, maxHeldPerAddress: 1 });
    rig.take();
    const token = rig.take({ client: 2, swarm: 2 });
    assert.deepEqual(rig.resumed, [{ token, reply: undefined }]);
    assert.ok(!rig.times.find(2, 2), "others wait for the tracker's answer as ever");
    rig.take({ client: 3, swarm: 2, address: "198.18.0.2" });
    assert.equal(rig.asked.length, 2);
  });

  it("trackers that are not used are forgotten, and busy ones are not", async () => {
    rig = new ForwarderRig({ maxTrackers: 2 });
    const at = (host: string, client: number) =>
      rig.take({ client, swarm: client, url: `http://${host}.example/a?info_hash=${HASH}&port=1` });
    at("a", 1);
    at("b", 2);
    at("c", 3);
    assert.equal(rig.asked.length, 2, "both are busy");
    assert.equal(rig.resumed.length, 1);
    await rig.asked[0].answer(answer());
    at("c", 4);
    assert.deepEqual(
      [...rig.forwarder.schedule.upstreams].map(({ name }) => name),
      ["http://b.example", "http://c.example"],
    );
  });

  it("a tracker that fails is backing off, and tried again", async () => {
    for (let client = 0; client < 5; client++) {
      rig.take({ client, swarm: client });
      await rig.asked[client].answer(failure("refused"));
    }
    rig.take({ client: 5, swarm: 5 });
    assert.equal(rig.asked.length, 5);
    assert.equal(rig.resumed.length, 6, "nobody waits");
    const [upstream] = rig.forwarder.schedule.upstreams;
    assert.deepEqual(
      [upstream.state, upstream.counts.backingOff, upstream.lastFailure],
      ["open", 1, "refused"],
    );
    rig.now += 60;
    rig.take({ client: 6, swarm: 6 });
    await rig.asked[5].answer(answer());
    assert.equal(upstream.state, "closed");
  });
});
