import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GateEventReader, GateProtocolError } from "./event-reader.ts";
import {
  changeEvents,
  ELEMENTS_PER_EVENT,
  encodeGateEvent,
  GATE_LIMITS,
  type GateBegin,
  type GateElements,
  type GateEvent,
} from "./protocol.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";
const BEGIN: GateBegin = {
  event: "begin",
  format: 1,
  version: 7,
  tracker: "a tracker",
  aliveSeconds: 20,
  homes: [
    { id: 1, name: "örtlich", members: ["10.0.0.0/8"], inside: ["10.0.0.0/7", "2001:db8::/32"] },
    { id: 2, name: "\n\n", members: ["12.0.0.0-12.0.0.2", "2001:db8::/33"], inside: [] },
  ],
};
const READY: GateEvent = { event: "ready", version: 7 };
const ADD: GateElements = {
  refused: [`192.0.2.1 ${HASH}`, `2001:db8::1 ${HASH}`],
  closed: ["192.0.2.1 1", "2001:db8::1 65535"],
  hosts: ["0.0.0.0", "255.255.255.255", "::"],
  far: ["203.0.113.9 51413"],
};

function change(add: object, remove: object = {}): GateEvent {
  return { event: "change", version: 8, add, remove };
}

/** Reads events as one piece. */
function read(...events: readonly (GateEvent | string)[]): GateEvent[] {
  const text = events.map((event) => (typeof event === "string" ? event : encodeGateEvent(event))).join("");
  return new GateEventReader().read(Buffer.from(text));
}

test("what was encoded is read, in pieces of any size", () => {
  const events = [BEGIN, change(ADD), READY, change({}, ADD), { event: "alive", version: 8 } as const];
  const bytes = Buffer.from(events.map(encodeGateEvent).join(""));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 })), (sizes) => {
      const reader = new GateEventReader();
      const found: GateEvent[] = [];
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        found.push(...reader.read(bytes.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(found, events);
    }),
  );
  const reader = new GateEventReader();
  assert.deepEqual(
    Array.from(bytes).flatMap((byte) => reader.read(Uint8Array.of(byte))),
    events,
    "byte by byte",
  );
});

test("a change is cut into events that a reader accepts", () => {
  const hosts = Array.from({ length: ELEMENTS_PER_EVENT + 1 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const events = [...changeEvents(8, { hosts, far: ADD.far! }, ADD)];
  assert.deepEqual(read(BEGIN, ...events), [BEGIN, ...events]);
  const added = events.flatMap(({ add }) => add.hosts ?? []);
  assert.deepEqual(added, hosts);
  assert.deepEqual(events.find(({ add }) => add.hosts !== undefined)!.remove, {}, "opened before");
  assert.throws(() => read(BEGIN, change({ hosts })), /event 2 \(change\): more than 4096 elements/);
});

test("an error says in which event and where", () => {
  const bad: readonly [string, RegExp][] = [
    ["192.0.2.1", /add.closed\[0\]: is not "ADDRESS PORT"/],
    ["192.0.2.1 0", /closed/],
    ["192.0.2.1 65536", /closed/],
    ["192.0.2.1 06881", /closed/],
    ["192.0.2.256 6881", /closed/],
    ["192.0.2.1.1 6881", /closed/],
    ["192.0.2.1. 6881", /closed/],
    ["192.0.2 6881", /closed/],
    ["192.0.02.1 6881", /closed/],
    ["2001:DB8::1 6881", /closed/],
    ["2001:db8:0::1 6881", /closed/],
    ["::ffff:192.0.2.1 6881", /closed/],
    ["192.0.2.1 6881 }; flush ruleset", /closed/],
    ["192.0.2.1 6881\n", /closed/],
    [" 192.0.2.1 6881", /closed/],
  ];
  for (const [element, message] of bad) {
    assert.throws(() => read(BEGIN, change({ closed: [element] })), GateProtocolError, element);
    assert.throws(() => read(BEGIN, change({ closed: [element] })), message, element);
  }
  const refused = (element: string) => () =>
    read(BEGIN, change({}, { refused: [`1.1.1.1 ${HASH}`, element] }));
  assert.throws(refused(`192.0.2.1 ${HASH}0`), /event 2 \(change\): remove.refused\[1\]/);
  assert.throws(refused(`192.0.2.1 ${HASH.toUpperCase()}`), /remove.refused\[1\]/);
  assert.throws(() => read(BEGIN, change({ hosts: ["192.0.2.1 1"] })), /add.hosts\[0\]/);
  assert.throws(() => read(BEGIN, change({ others: ["192.0.2.1"] })), /add/);
  assert.throws(() => read(BEGIN, change({ hosts: [1] })), /add.hosts.0/);
});

test("what is no event is refused", () => {
  assert.throws(() => read("event: begin\ndata: {\n\n"), /event 1 \(begin\): its data is not JSON/);
  assert.throws(() => read("hello\n\n"), /event 1 \(\?\)/);
  assert.throws(() => read(BEGIN, "event: other\ndata: {}\n\n"), /event 2 \(other\): not an event/);
  assert.throws(() => read({ ...BEGIN, format: 2 }), /format/);
  assert.throws(() => read({ ...BEGIN, version: -1 }), /version/);
  assert.throws(() => read({ ...BEGIN, aliveSeconds: 19 }), /aliveSeconds/);
  assert.throws(() => new GateEventReader().read(Uint8Array.of(0xff, 0xff)), /event 1: not UTF-8/);
  const reader = new GateEventReader();
  const piece = Buffer.alloc(1 << 20, "a");
  assert.throws(() => {
    for (let i = 0; i <= GATE_LIMITS.eventBytes >> 20; i++) reader.read(piece);
  }, /event 1: longer than/);
});

test("events come in their order", () => {
  assert.throws(() => read(READY), /event 1 \(ready\): does not come here/);
  assert.throws(() => read(BEGIN, BEGIN), /event 2 \(begin\): does not come here/);
  assert.throws(() => read(BEGIN, READY, READY), /event 3 \(ready\): does not come here/);
});

test("homes must not contradict each other", () => {
  const homes = (...members: readonly (readonly string[])[]) => ({
    ...BEGIN,
    homes: members.map((ranges, i) => ({ id: i + 1, name: "", members: ranges, inside: [] })),
  });
  read(homes(["10.0.0.0/9"], ["10.128.0.0/9", "::/0"]));
  assert.throws(() => read(homes(["10.0.0.0/8"], ["10.128.0.0/9"])), /members: two ranges overlap/);
  assert.throws(() => read(homes(["2001::-2001::5", "2001::5-2001::7"])), /members: two ranges overlap/);
  assert.throws(() => read(homes(["10.0.0.1/8"])), /"10.0.0.1\/8" is not a range/);
  assert.throws(() => read(homes(["10.0.0.0/8 }"])), /not a range/);
  assert.throws(() => read({ ...BEGIN, homes: [BEGIN.homes[0], BEGIN.homes[0]] }), /the same id/);
  const inside = ["10.0.0.0/8", "10.0.0.0/8"];
  assert.throws(() => read({ ...BEGIN, homes: [{ ...BEGIN.homes[0], inside }] }), /inside of home 1: two/);
});
