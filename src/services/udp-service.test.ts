/** The UDP service around a real tracker; hostile datagrams are in test/fuzz. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { FakeSender, type UdpReply } from "../../test/support/fake-sender.ts";
import { formatAddress } from "../model/address-text.ts";
import { CLIENT_ERROR } from "../model/client-error.ts";
import { REFUSALS_AT, REQUESTS_AT } from "../model/counters.ts";
import { OUTCOME, REQUEST, requestCountAt } from "../model/request-counts.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { ConnectionIds } from "./connection-ids.ts";
import { Refusal } from "./refusal.ts";
import { UdpService } from "./udp-service.ts";

let fixture: TrackerFixture;
let refusal: Refusal;
let service: UdpService;

beforeEach(() => {
  fixture = new TrackerFixture();
  fixture.tracker.policy = {
    ...fixture.tracker.policy,
    settings: { interval: 1800, minInterval: 900, numWant: 1000, numWantMax: 1000, countLearned: false },
  };
  refusal = new Refusal(fixture.counters);
  const ids = new ConnectionIds([1, 2, 3, 4, 5, 6, 7, 8], fixture.clock);
  service = new UdpService(fixture.tracker, ids, fixture.counters, refusal, () => 0);
});

interface Fields {
  readonly left?: number;
  readonly event?: number;
  readonly port?: number;
  readonly numWant?: number;
}

/** An announce for the swarm of zeros, without its connection id. */
function announce({ left = 100, event = 0, port = 6881, numWant = -1 }: Fields = {}): string {
  const bytes = Buffer.alloc(90);
  bytes.writeUInt32BE(1, 0);
  bytes.writeUInt32BE(left, 60);
  bytes.writeUInt32BE(event, 72);
  bytes.writeInt32BE(numWant, 84);
  bytes.writeUInt16BE(port, 88);
  return bytes.toString("latin1");
}

function ask(from: string, datagram: string): UdpReply {
  const sender = new FakeSender(service, from);
  const reply = sender.send(sender.connect() + datagram);
  assert.ok(reply !== undefined);
  return reply;
}

function word({ body }: UdpReply, index: number): number {
  return Buffer.from(body, "latin1").readUInt32BE(4 * index);
}

describe("UdpService", () => {
  it("remembers who announces, and answers with the others", () => {
    ask("198.51.100.1", announce({ left: 0 }));
    const reply = ask("198.51.100.2", announce());
    assert.equal(reply.action, "announce");
    assert.ok(Math.abs(word(reply, 0) - 1800) <= 180, "the interval");
    assert.deepEqual([word(reply, 1), word(reply, 2)], [1, 1], "leechers and seeders");
    assert.equal(reply.body.slice(12), "\xc6\x33\x64\x01\x1a\xe1");
    assert.deepEqual(
      fixture.peers().map(({ address }) => address),
      ["198.51.100.1", "198.51.100.2"],
    );
    ask("198.51.100.1", announce({ event: 3 }));
    assert.deepEqual(
      fixture.peers().map(({ address }) => address),
      ["198.51.100.2"],
    );
  });

  it("takes port 1 for a placeholder: answers, and gives it to nobody", () => {
    ask("198.51.100.1", announce({ left: 0 }));
    for (const left of [100, 0]) {
      const reply = ask("198.51.100.2", announce({ port: 1, left, event: 2 }));
      assert.equal(reply.body.slice(12), "\xc6\x33\x64\x01\x1a\xe1");
      assert.deepEqual([word(reply, 1), word(reply, 2)], [0, 1]);
    }
    assert.equal(ask("198.51.100.3", announce()).body.slice(12), "\xc6\x33\x64\x01\x1a\xe1");
  });

  it("counts what a scrape asks for", () => {
    ask("198.51.100.1", announce({ left: 0, event: 1 }));
    ask("198.51.100.2", announce());
    const reply = ask("198.51.100.3", `\0\0\0\x02tran${"\0".repeat(20)}${"x".repeat(20)}`);
    assert.equal(reply.action, "scrape");
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((i) => word(reply, i)),
      [1, 1, 1, 0, 0, 0],
    );
    assert.equal(reply.length, 8 + 24);
  });

  for (const [family, asking, size, room] of [
    [4, "203.0.113.1", 6, 242],
    [6, "2001:db8:ffff::1", 18, 79],
  ] as const) {
    it(`fills one datagram with peers of IPv${family}, and no others`, () => {
      for (let i = 1; i <= 250; i++) {
        fixture.announce(`198.51.100.${i}`);
        fixture.announce(`2001:db8:7::${i.toString(16)}`);
      }
      for (const numWant of [-1, 1000, 0x7fffffff]) {
        const reply = ask(asking, announce({ numWant }));
        assert.equal(reply.body.length, 12 + room * size);
        assert.ok(reply.length <= (family === 4 ? 1472 : 1452));
        const told = fixture.peersIn(Buffer.from(reply.body.slice(12), "latin1"), family);
        assert.equal(new Set(told.map(({ address }) => formatAddress(address))).size, room);
      }
      const few = ask(asking, announce({ numWant: 7 }));
      assert.equal(few.body.length, 12 + 7 * size);
      assert.equal(ask(asking, announce({ numWant: 0 })).body.length, 12);
    });
  }

  it("an id is good until it is three minutes old", () => {
    const sender = new FakeSender(service, "198.51.100.1");
    const id = sender.connect();
    fixture.clock.seconds += 120;
    assert.equal(sender.send(id + announce())?.action, "announce");
    fixture.clock.seconds += 60;
    const reply = sender.send(id + announce());
    assert.equal(reply?.action, "error");
    assert.equal(reply.body, "connection id is not valid");
    assert.equal(refusal.reason, CLIENT_ERROR.connectionInvalid);
    assert.equal(fixture.counters[REFUSALS_AT + CLIENT_ERROR.connectionInvalid], 1);
    assert.equal(formatAddress(refusal.address), "198.51.100.1");
    assert.equal(sender.send(sender.connect() + announce())?.action, "announce");
  });

  it("counts requests by what they are", () => {
    ask("198.51.100.1", announce());
    ask("198.51.100.1", announce({ port: 0 }));
    ask("198.51.100.1", `\0\0\0\x02tran${"\0".repeat(20)}`);
    const sender = new FakeSender(service, "198.51.100.1");
    sender.send("whatever");
    sender.send(`12345678${announce()}`);
    const counted = Object.keys(REQUEST).flatMap((kind, k) =>
      Object.entries(OUTCOME)
        .map(([outcome, o]) => [
          `${kind} ${outcome}`,
          fixture.counters[REQUESTS_AT + requestCountAt(k, 0, o)],
        ])
        .filter(([, count]) => count !== 0),
    );
    assert.deepEqual(Object.fromEntries(counted), {
      "udpConnect answered": 3,
      "udpAnnounce answered": 1,
      "udpAnnounce refused": 1,
      "udpAnnounce unconnected": 1,
      "udpScrape answered": 1,
      "udpOther malformed": 1,
    });
  });
});
