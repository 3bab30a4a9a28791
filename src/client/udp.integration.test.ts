import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { afterEach, beforeEach, describe, it } from "node:test";
import { until } from "../../test/support/bed.ts";
import { HostileUdpTracker } from "../../test/support/hostile-tracker.ts";
import { answerOf, assertFailed } from "../../test/support/outcomes.ts";
import { WITHOUT_IPV6 } from "../engine/conformance/loopback.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import type { Outcome } from "./outcome.ts";
import type { UdpFields } from "./outgoing-announce.ts";
import { TrackerClient } from "./tracker-client.ts";

const FIELDS: UdpFields = {
  infoHash: new Uint8Array(20).fill(0xaa),
  peerId: new Uint8Array(20).fill(0x70),
  downloaded: 1,
  left: 2 ** 40,
  uploaded: 3,
  event: ANNOUNCE_EVENT.started,
  key: 0xdeadbeef,
  numWant: -1,
  port: 6881,
  ip: 0x05060708,
};

/** A deadline that is meant to pass. */
const SHORT_MS = 300;
const CONNECT = 0;
const ANNOUNCE = 1;
const ERROR = 3;
const ID = Buffer.from("connect!");
const PEERS = Buffer.from("c63364011ae1c63364021ae2", "hex");

/** A reply: action, the transaction id of what it answers, and more. */
function reply(action: number, to: Buffer, more: Buffer | string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(action, 0);
  to.copy(head, 4, 12, 16);
  return Buffer.concat([head, Buffer.from(more)]);
}

/** What follows in a reply to an announce. */
function answer(peers: Buffer): Buffer {
  const counts = Buffer.alloc(12);
  counts.writeUInt32BE(1800, 0);
  counts.writeUInt32BE(3, 4);
  counts.writeUInt32BE(2, 8);
  return Buffer.concat([counts, peers]);
}

const actionOf = (datagram: Buffer) => datagram.readUInt32BE(8);

/** Answers as a tracker should. */
function wellBehaved(peers = PEERS): HostileUdpTracker["answer"] {
  return (datagram, send) => {
    if (actionOf(datagram) === CONNECT) send(reply(CONNECT, datagram, ID));
    else send(reply(ANNOUNCE, datagram, answer(peers)));
  };
}

describe("announcing over UDP", () => {
  let tracker: HostileUdpTracker;
  let client: TrackerClient;

  beforeEach(async () => {
    tracker = await HostileUdpTracker.start();
    client = new TrackerClient({
      guard: () => true,
      refuseLowPorts: false,
      timeoutMs: 60_000,
      maxInFlight: 100,
      maxPerHost: 10,
      resolve: async (host) =>
        (host === "two" ? ["127.0.0.99", "127.0.0.1"] : ["127.0.0.1"]).map(parseAddress),
    });
  });

  afterEach(async () => {
    await client.close();
    tracker.stop();
  });

  const announce = (timeoutMs?: number, path = "/announce") =>
    client.announce({ url: tracker.url.replace("/announce", path), udp: FIELDS, timeoutMs });
  const requests = () => tracker.received.map(actionOf);

  it("connects, announces, and reads the answer", async () => {
    tracker.answer = wellBehaved();
    assertGood(await announce(undefined, "/a%2fb?passkey=x"));
    const [connect, datagram] = tracker.received;
    assert.equal(connect.subarray(0, 12).toString("hex"), "000004172710198000000000");
    assert.equal(
      datagram
        .subarray(0, 98)
        .toString("hex")
        .replace(datagram.toString("hex", 12, 16), "-"),
      `${ID.toString("hex")}00000001-${"aa".repeat(20)}${"70".repeat(20)}` +
        "00000000000000010000010000000000000000000000000300000002" +
        "05060708deadbeefffffffff1ae1",
    );
    assert.equal(datagram.subarray(98).toString("latin1"), "\x02\x10/a%2fb?passkey=x\0");
  });

  it("uses a connection id again, and sends no options where there is no path", async () => {
    tracker.answer = wellBehaved();
    for (let i = 0; i < 3; i++) assertGood(await announce(undefined, "/"));
    assert.deepEqual(requests(), [CONNECT, ANNOUNCE, ANNOUNCE, ANNOUNCE]);
    assert.equal(tracker.received[1].length, 98);
  });

  it("splits a long path into options, and refuses one that fits no datagram", async () => {
    tracker.answer = wellBehaved();
    const path = `/${"x".repeat(600)}`;
    assertGood(await announce(undefined, path));
    const options = tracker.received[1].subarray(98);
    assert.deepEqual([...options.subarray(0, 2)], [2, 255]);
    assert.deepEqual([...options.subarray(257, 259)], [2, 255]);
    assert.deepEqual([...options.subarray(514, 516)], [2, 91]);
    assert.deepEqual([...options.subarray(607)], [0]);
    assertFailed(await announce(undefined, `/${"x".repeat(1100)}`), "url");
  });

  it("sends again what was lost", async () => {
    const seen = new Set<number>();
    tracker.answer = (datagram, send, from) => {
      if (seen.has(actionOf(datagram))) wellBehaved()(datagram, send, from);
      seen.add(actionOf(datagram));
    };
    assertGood(await announce());
    assert.deepEqual(requests(), [CONNECT, CONNECT, ANNOUNCE, ANNOUNCE]);
  });

  it("asks a host's next address where the first is silent", async () => {
    tracker.answer = wellBehaved();
    assertGood(await client.announce({ url: `udp://two:${tracker.port}/`, udp: FIELDS }));
  });

  it("ends with its deadline where nobody answers", async () => {
    assertFailed(await announce(SHORT_MS), "timeout");
  });

  it("over IPv6 reads IPv6 peers", { skip: WITHOUT_IPV6 }, async () => {
    const other = await HostileUdpTracker.start(6);
    other.answer = wellBehaved(Buffer.from("20010db80000000000000000000000071ae3", "hex"));
    const outcome = answerOf(await client.announce({ url: other.url, udp: FIELDS }));
    assert.equal(Buffer.from(outcome.peers6).toString("hex"), "20010db80000000000000000000000071ae3");
    assert.equal(outcome.peers.length, 0);
    other.stop();
  });

  const ignored: [string, HostileUdpTracker["answer"]][] = [
    ["a wrong transaction id", (_datagram, send) => send(reply(CONNECT, Buffer.alloc(16, 7), ID))],
    ["another action", (datagram, send) => send(reply(ANNOUNCE, datagram, answer(PEERS)))],
    ["less than a header", (datagram, send) => send(reply(CONNECT, datagram, "").subarray(0, 7))],
    ["nothing at all", (_datagram, send) => send(Buffer.alloc(0))],
    [
      "another source",
      (datagram, _send, from) => {
        const other = createSocket("udp4");
        other.send(reply(CONNECT, datagram, ID), from.port, from.address, () => other.close());
      },
    ],
  ];
  for (const [name, answerWith] of ignored) {
    it(`ignores and counts ${name}`, async () => {
      tracker.answer = answerWith;
      const waiting = announce();
      await until("it is counted", () => client.strayDatagrams > 0);
      await client.close();
      assertFailed(await waiting, "closed");
    });
  }

  it("takes the answer that comes after what it ignores", async () => {
    tracker.answer = (datagram, send, from) => {
      if (actionOf(datagram) === CONNECT)
        for (const [, answerWith] of ignored) answerWith(datagram, send, from);
      wellBehaved()(datagram, send, from);
    };
    const outcome = answerOf(await announce());
    assert.equal(outcome.interval, 1800);
  });

  it("says when an answer is too short, or ends within a peer", async () => {
    tracker.answer = (datagram, send) => send(reply(CONNECT, datagram, ID.subarray(1)));
    assertFailed(await announce(), "not an announce");
    for (const more of [answer(PEERS).subarray(0, 11), answer(PEERS.subarray(1))]) {
      tracker.answer = (datagram, send) =>
        send(actionOf(datagram) === CONNECT ? reply(CONNECT, datagram, ID) : reply(ANNOUNCE, datagram, more));
      assertFailed(await announce(), "not an announce");
    }
  });

  it("reads an error as a failure reason, in print", async () => {
    tracker.answer = (datagram, send) => send(reply(ERROR, datagram, "over\x1b[31m\nload"));
    assert.equal(answerOf(await announce()).failureReason, "over [31m load");
    tracker.answer = (datagram, send) =>
      send(actionOf(datagram) === CONNECT ? reply(CONNECT, datagram, ID) : reply(ERROR, datagram, ""));
    assert.equal(answerOf(await announce()).failureReason, "");
  });

  it("connects anew when the tracker has forgotten a connection id", async () => {
    tracker.answer = wellBehaved();
    assertGood(await announce());
    tracker.answer = (datagram, send, from) => {
      const announces = requests().filter((action) => action === ANNOUNCE).length;
      if (actionOf(datagram) === ANNOUNCE && announces === 2)
        send(reply(ERROR, datagram, "Connection ID mismatch"));
      else wellBehaved()(datagram, send, from);
    };
    assertGood(await announce());
    assert.deepEqual(requests(), [CONNECT, ANNOUNCE, ANNOUNCE, CONNECT, ANNOUNCE]);
  });

  it("gives a connection id that brought no answer up", async () => {
    tracker.answer = wellBehaved();
    assertGood(await announce());
    tracker.answer = () => {};
    assertFailed(await announce(SHORT_MS), "timeout");
    tracker.answer = wellBehaved();
    assertGood(await announce());
    assert.equal(requests().filter((action) => action === CONNECT).length, 2);
  });

  it("leaves peers with port 0 out", async () => {
    tracker.answer = wellBehaved(
      Buffer.concat([Buffer.from("c633640100000000000000000000", "hex").subarray(0, 12), PEERS]),
    );
    assertGood(await announce());
  });

  it("keeps its limits, guard and end", async () => {
    const waiting = Array.from({ length: 10 }, () => announce());
    assertFailed(await announce(), "busy");
    assertFailed(await client.announce({ url: tracker.url }), "url");
    const infoHash = new Uint8Array(19);
    assertFailed(await client.announce({ url: "udp://127.0.0.2:1/", udp: { ...FIELDS, infoHash } }), "url");
    await client.close();
    for (const outcome of await Promise.all(waiting)) assertFailed(outcome, "closed");

    const guarded = new TrackerClient({
      guard: () => false,
      refuseLowPorts: true,
      timeoutMs: 60_000,
      maxInFlight: 1,
      maxPerHost: 1,
      resolve: async () => [parseAddress("127.0.0.1")],
    });
    assertFailed(await guarded.announce({ url: `udp://name:${tracker.port}`, udp: FIELDS }), "address");
    assertFailed(await guarded.announce({ url: tracker.url, udp: FIELDS }), "address");
    assertFailed(await guarded.announce({ url: "udp://name:53", udp: FIELDS }), "port");
    await guarded.close();
  });
});

function assertGood(outcome: Outcome): void {
  const { failureReason, complete, incomplete, interval, peers } = answerOf(outcome);
  assert.deepEqual([failureReason, complete, incomplete, interval], [undefined, 2, 3, 1800]);
  assert.equal(Buffer.from(peers).toString("hex"), PEERS.toString("hex"));
}
