import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { answer, ForwarderRig, failure, HASH, PEERS, START } from "../../test/support/forwarder-rig.ts";
import { isForgotten, sourceOf } from "../store/layout/peer.ts";

const OURS = PEERS.slice(0, 6);
const DAY = 86_400;

let rig: ForwarderRig;

beforeEach(() => {
  rig = new ForwarderRig();
});

/** A client's tracker answers. @param client its number and the last one of its address. */
async function announce(host: string, client: number, address = `198.18.0.${client}`): Promise<void> {
  rig.take({
    client: 1000 * host.length + client,
    swarm: host.length,
    address,
    url: `http://${host}/a?info_hash=${HASH}&port=1`,
  });
  await rig.asked.at(-1)!.answer(answer({ interval: DAY }));
}

describe("what a tracker names", () => {
  it("is for its own clients alone until clients at several addresses use it", async () => {
    await announce("evil.example", 1);
    await announce("evil.example", 2, "198.18.0.1");
    await announce("evil.example:80", 3);
    await announce("evil.example", 4);
    await announce("EVIL.example", 5);
    assert.deepEqual(
      rig.learned.map(({ unconfirmed }) => unconfirmed),
      [true, true, true, true, false],
    );
    const [first, second, other] = rig.learned.map(({ source }) => source);
    assert.equal(first, second);
    assert.notEqual(first, other);
  });

  it("is not its client's merit when it refuses the client", async () => {
    for (let client = 1; client < 9; client++) {
      rig.take({ client, address: `198.18.0.${client}` });
      await rig.asked.at(-1)!.answer(answer({ failureReason: "unregistered" }));
    }
    assert.equal(rig.forwarder.standings.size, 0);
  });

  it("is kept for two hours, whatever interval it names, and asked for again before that", async () => {
    await announce("t", 1);
    assert.equal(rig.learned[0].expiresAt, START + 7200);
    assert.ok(rig.times.find(1, 1));
    assert.equal(rig.times.due, START + 3600);
    assert.ok(!isForgotten(rig.times.state, START + 7190) && isForgotten(rig.times.state, START + 7200));
    assert.equal(sourceOf(rig.times.state), rig.learned[0].source);
    assert.ok(rig.times.find(2001, 2001));
    assert.equal(rig.times.due, START + 0.9 * DAY, "the client itself comes when the tracker says");
  });

  it("is kept, and is its clients', while it cannot be asked again", async () => {
    await announce("t", 1);
    rig.now += 4000;
    rig.take({ client: 2, swarm: 1, url: `http://t/a?info_hash=${HASH}&port=1` });
    await rig.asked[1].answer(failure());
    assert.ok(rig.times.find(1, 1));
    assert.deepEqual([rig.times.due, sourceOf(rig.times.state)], [rig.now + 30, rig.learned[0].source]);
  });

  it("is passed on to who waits where there is no place for it in the store", async () => {
    rig.hasRoom = false;
    await announce("t", 1);
    assert.deepEqual(rig.resumed[0].reply?.peers, OURS);
    assert.ok(rig.times.find(1, 1));
    assert.equal(rig.times.state, 0, "who comes next waits, too");
    await announce("t", 2);
    await announce("t", 3);
    assert.deepEqual([rig.resumed[2].reply?.peers.length, rig.learned[2].unconfirmed], [0, false]);
  });

  it("is passed on likewise when one household names more trackers than it may", async () => {
    for (let i = 0; i < 300; i++) {
      rig.take({ client: i, swarm: i, url: `http://t${i}/a?info_hash=${HASH}&port=1` });
      await rig.asked.at(-1)!.answer(answer());
    }
    assert.deepEqual([rig.learned.length, rig.forwarder.standings.unnumbered], [256, 44]);
    assert.deepEqual([rig.resumed[0].reply?.peers.length, rig.resumed[299].reply?.peers.length], [0, 6]);
    rig.take({
      client: 1000,
      swarm: 1000,
      address: "198.18.0.9",
      url: `http://x/a?info_hash=${HASH}&port=1`,
    });
    await rig.asked.at(-1)!.answer(answer());
    assert.equal(rig.learned.length, 257, "others are not concerned");
  });
});
