import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import {
  answer,
  ForwarderRig,
  failure,
  HASH,
  PEERS,
  START,
  type TaskOptions,
} from "../../test/support/forwarder-rig.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";

const { started, completed, stopped } = ANNOUNCE_EVENT;

let rig: ForwarderRig;

beforeEach(() => {
  rig = new ForwarderRig();
});

describe("what goes out", () => {
  const sent = (options: TaskOptions) => {
    rig.take(options);
    return rig.asked[rig.asked.length - 1].announcement;
  };
  const query = `info_hash=${"%aA".repeat(20)}&peer_id=%2dXX0001%2Dabcdefghijkl&port=1&uploaded=007&key=%zz&passkey=a+b&x`;

  it("is the client's own query, with its address and more peers wanted", () => {
    assert.deepEqual(sent({ url: `http://T.example/p/a?${query}`, address: "1.2.3.4" }), {
      url: `http://T.example/p/a?${query}&numwant=200&ip=1.2.3.4`,
    });
    assert.equal(
      sent({ client: 2, url: `http://t.example?${query}&numwant=50`, address: "2a00::1" }).url,
      `http://t.example/?${query}&numwant=200&ip=2a00%3A%3A1`,
    );
  });

  it("keeps what the client says itself", () => {
    const url = `http://t.example/a?${query}&numwant=500&ip=5.6.7.8`;
    assert.equal(sent({ url, address: "1.2.3.4" }).url, url);
  });

  it("never names an address that is nobody's outside", () => {
    for (const [client, address] of ["10.1.2.3", "100.64.0.1", "fe80::1", "127.0.0.1"].entries())
      assert.doesNotMatch(sent({ client, address }).url, /ip=/);
  });

  it("wants no peers when the client stops", () => {
    const url = `http://t.example/a?${query}&numwant=0`;
    assert.equal(sent({ url, event: stopped }).url, url);
  });

  it("has the client's User-Agent, if it is fit for a header", () => {
    assert.equal(sent({ userAgent: "qBittorrent/5.0" }).userAgent, "qBittorrent/5.0");
    assert.equal(sent({ client: 2, userAgent: "a\xffb" }).userAgent, undefined);
  });

  it("goes over UDP in its fields", () => {
    const udp = `info_hash=${HASH}&peer_id=-XX0001-%00bcdefghijkl&port=81&left=5&uploaded=6&downloaded=7&key=Ff`;
    const { url, udp: fields } = sent({
      url: `udp://t.example:80/announce?${udp}`,
      address: "1.2.3.4",
      event: started,
    });
    assert.equal(url, `udp://t.example:80/announce?${udp}`);
    assert.deepEqual(
      { ...fields, infoHash: undefined, peerId: Buffer.from(fields?.peerId ?? []).toString("latin1") },
      {
        infoHash: undefined,
        peerId: "-XX0001-\0bcdefghijkl",
        downloaded: 7,
        left: 5,
        uploaded: 6,
        event: started,
        key: 255,
        numWant: 200,
        port: 81,
        ip: 0x01020304,
      },
    );
    assert.deepEqual(fields?.infoHash, new Uint8Array(20).fill(0xaa));
    const silent = sent({ client: 2, url: `udp://t.example:80/announce?info_hash=${HASH}&port=81` });
    assert.equal(silent.udp?.left, 2 ** 53, "it has not said that it has everything");
  });
});

describe("an answer", () => {
  it("brings peers, but neither ourselves nor private ones, ends the wait, and says when to come again", async () => {
    const token = rig.take();
    await rig.asked[0].answer(answer({ interval: 1000, warningMessage: "w" }));
    assert.deepEqual(rig.learned[0].peers, PEERS.slice(0, 6));
    assert.deepEqual({ ...rig.forwarder.counts }, { named: 3, trackers: 1, private: 1, unusable: 0 });
    assert.equal(rig.learned[0].expiresAt, START + 2000);
    assert.equal(rig.resumed.length, 1);
    assert.equal(rig.resumed[0].token, token);
    assert.deepEqual(
      [rig.resumed[0].reply?.interval, rig.resumed[0].reply?.complete, rig.resumed[0].reply?.peers.length],
      [1000, 7, 0],
    );
    assert.equal(String.fromCharCode(...(rig.resumed[0].reply?.more ?? [])), "15:warning message1:w");
    assert.ok(rig.times.find(1, 1));
    assert.deepEqual([rig.times.due, rig.times.interval], [START + 1000, 1000]);
    assert.ok(rig.times.find(1001, 1001));
    assert.equal(rig.times.due, START + 900);
  });

  it("is believed about min interval, and about a retry time", async () => {
    rig.take();
    await rig.asked[0].answer(answer({ interval: 1000, minInterval: 950 }));
    assert.ok(rig.times.find(1, 1));
    assert.equal(rig.times.due, START + 950);
    assert.ok(rig.times.find(1001, 1001));
    assert.equal(rig.times.due, START + 950);
    rig.take({ client: 2, swarm: 2 });
    await rig.asked[1].answer(
      answer({ failureReason: "no", retryIn: Number.POSITIVE_INFINITY, peers: new Uint8Array(0) }),
    );
    assert.ok(!rig.times.find(2, 2), "it said so to one client");
    assert.ok(rig.times.find(1002, 1002));
    assert.deepEqual([rig.times.due, rig.times.interval], [START + 86_400, 0]);
    assert.match(
      String.fromCharCode(...(rig.resumed[1].reply?.failure ?? [])),
      /^d14:failure reason2:no8:retry in5:nevere$/,
    );
  });

  it("is not believed about intervals out of all reason", async () => {
    rig.take();
    await rig.asked[0].answer(answer({ interval: 0, minInterval: 0 }));
    assert.ok(rig.times.find(1, 1));
    assert.deepEqual([rig.times.due, rig.times.interval], [START + 60, 60]);
    rig.take({ client: 2, swarm: 2 });
    await rig.asked[1].answer(answer({ interval: 2 ** 31 - 1, minInterval: 2 ** 31 - 1 }));
    assert.ok(rig.times.find(2, 2));
    assert.equal(rig.times.due, START + 86_400);
  });

  it("is passed on whole where the tracker is only observed", async () => {
    rig.take({ isObserved: true });
    await rig.asked[0].answer(answer());
    assert.deepEqual(rig.resumed[0].reply?.peers, PEERS.slice(0, 6));
  });

  it("of a tracker that sees us elsewhere than we are, and takes us for the client, brings others than us", async () => {
    const nat = parseAddress("46.9.9.9");
    const peers = Uint8Array.from([46, 9, 9, 9, 0x1a, 0xe1, 45, 0, 113, 5, 0x1a, 0xe1]);
    rig.take({ address: "45.0.0.8" });
    await rig.asked[0].answer(answer({ peers, externalAddress: nat }));
    rig.take({ client: 2, swarm: 2, address: "45.0.0.9" });
    await rig.asked[1].answer(answer({ peers }));
    assert.deepEqual(
      rig.learned.map((each) => [...each.peers]),
      [
        [45, 0, 113, 5, 0x1a, 0xe1],
        [45, 0, 113, 5, 0x1a, 0xe1],
      ],
    );
    assert.equal(rig.forwarder.counts.trackers, 2);
    rig.take({ client: 3, swarm: 3, url: `http://other.example/a?info_hash=${HASH}&port=1` });
    await rig.asked[2].answer(answer({ peers }));
    assert.equal(rig.learned[2].peers.length, 12, "what it says holds for itself alone");
  });

  it("of a tracker that believes where the client is says nothing about us", async () => {
    const peers = Uint8Array.from([45, 0, 0, 8, 0x1a, 0xe1, 46, 9, 9, 9, 0x1a, 0xe1]);
    rig.take({ address: "45.0.0.8" });
    await rig.asked[0].answer(answer({ peers, externalAddress: parseAddress("45.0.0.8") }));
    rig.take({
      client: 2,
      swarm: 2,
      address: "45.0.0.7",
      url: `http://t.example/a?info_hash=${HASH}&port=1&ip=46.9.9.9`,
    });
    await rig.asked[1].answer(answer({ peers, externalAddress: parseAddress("46.9.9.9") }));
    assert.deepEqual(
      rig.learned.map((each) => each.peers.length),
      [12, 12],
    );
  });

  it("whose connection is cut is asked for once more", async () => {
    const token = rig.take({ event: completed });
    await rig.asked[0].answer(failure("cut"));
    assert.deepEqual([rig.asked.length, rig.resumed.length], [2, 0]);
    assert.equal(rig.asked[1].announcement.url, rig.asked[0].announcement.url);
    await rig.asked[1].answer(failure("cut"));
    assert.deepEqual([rig.asked.length, rig.resumed.map((each) => each.token)], [2, [token]]);
    rig.take({ client: 2, event: completed });
    await rig.asked[2].answer(failure("incomplete"));
    assert.deepEqual([rig.asked.length, rig.resumed.length], [3, 2], "it has been heard of");
  });

  it("that does not come ends the wait as well, and others do not wait for a while", async () => {
    const token = rig.take();
    await rig.asked[0].answer(failure());
    assert.deepEqual(rig.resumed, [{ token, reply: undefined }]);
    assert.ok(rig.times.find(1, 1));
    assert.equal(rig.times.due, START + 30);
  });

  it("that is none to what one client would have asked says nothing to others", async () => {
    for (const outcome of [failure("status", 403), failure("url")]) {
      rig.take();
      await rig.asked.at(-1)!.answer(outcome);
      assert.ok(!rig.times.find(1, 1));
    }
    rig.take({ event: started });
    for (let i = 0; i < 2; i++) {
      rig.now += 100;
      rig.take();
    }
    assert.equal(rig.resumed.length, 3, "a regular announce that a later one covers is dropped");
    assert.ok(!rig.times.find(1, 1));
  });
});

describe("single flight", () => {
  it("lets announces that only lack peers join what is on its way", async () => {
    rig.take();
    rig.times.set(1002, 1002, START + 1000, 0);
    const joined = rig.take({ client: 2 });
    assert.deepEqual([rig.asked.length, rig.forwarder.joined], [1, 1]);
    await rig.asked[0].answer(answer());
    assert.deepEqual(rig.resumed.map(({ token }) => token).sort(), [joined - 1, joined]);
  });

  it("ends with the last try, if nothing comes of any", async () => {
    rig.take();
    rig.take({ client: 2, event: started });
    rig.times.set(1003, 1003, START + 1000, 0);
    const joined = rig.take({ client: 3 });
    await rig.asked[0].answer(failure());
    assert.equal(
      rig.resumed.some(({ token }) => token === joined),
      false,
    );
    await rig.asked[1].answer(failure());
    assert.equal(
      rig.resumed.some(({ token }) => token === joined),
      true,
    );
  });

  it("never swallows what a tracker keeps accounts of", () => {
    rig.take();
    for (const [i, event] of [started, completed, stopped, ANNOUNCE_EVENT.none].entries())
      rig.take({ client: 10 + i, event });
    assert.equal(rig.asked.length, 5);
  });
});
