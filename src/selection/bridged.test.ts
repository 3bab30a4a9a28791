import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { ANNOUNCE_EVENT, coarseLeft } from "../model/announce.ts";
import { ask, bridged, outside, PATIENT } from "../tracker/bridged-fixture.ts";
import { type TestSelection, TrackerFixture } from "../tracker/tracker-fixture.ts";

describe("bridged", () => {
  test("the first leechers of a home become its bridges, and the others get only home peers", () => {
    const fixture = bridged();
    outside(fixture);
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 99: 20 });
    assert.deepEqual(ask(fixture, "11.0.0.2"), { 11: 1, 99: 20 });
    assert.deepEqual(ask(fixture, "11.0.0.3"), { 11: 2 });
    assert.deepEqual(ask(fixture, "12.0.0.1"), { 11: 3 });
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 11: 2, 12: 1, 99: 20 }, "a bridge stays one");
  });

  test("every tier of a home has its own bridges", () => {
    const fixture = bridged({ bridges: 1 });
    outside(fixture);
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 99: 20 });
    assert.deepEqual(ask(fixture, "13.0.0.1"), { 11: 1, 99: 20 }, "the partner's line is another");
    assert.deepEqual(ask(fixture, "13.0.0.2"), { 13: 1, 11: 1 });
    assert.deepEqual(ask(fixture, "12.0.0.1"), { 11: 1, 13: 2 }, "the same tier as 11");
  });

  test("half of a bridge's answer is from outside", () => {
    const fixture = bridged();
    outside(fixture);
    ask(fixture, "11.0.0.1");
    for (let i = 2; i < 60; i++) ask(fixture, `11.0.0.${i}`, { numWant: 0 });
    assert.deepEqual(ask(fixture, "11.0.0.1", { numWant: 20 }), { 11: 10, 99: 10 });
    assert.deepEqual(ask(fixture, "11.0.0.1", { numWant: 60 }), { 11: 40, 99: 20 });
    assert.deepEqual(ask(fixture, "11.0.0.9", { numWant: 20 }), { 11: 20 });
  });

  test("a bridge that stops, completes, stalls or falls silent is replaced", () => {
    const endings: [string, (fixture: TrackerFixture) => void][] = [
      ["stops", (fixture) => fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped })],
      ["completes", (fixture) => fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.completed, left: 0 })],
      [
        "stalls",
        (fixture) => {
          fixture.clock.seconds += 600;
          fixture.announce("11.0.0.1");
        },
      ],
      [
        "falls silent",
        (fixture) => {
          fixture.clock.seconds += 601;
        },
      ],
    ];
    for (const [name, end] of endings) {
      const fixture = bridged({ bridges: 1 });
      outside(fixture);
      assert.ok(ask(fixture, "11.0.0.1")["99"]);
      assert.equal(ask(fixture, "11.0.0.2", { left: 90 })["99"], undefined);
      assert.equal(ask(fixture, "11.0.0.3")["99"], undefined);
      end(fixture);
      const hasCopy = name === "completes";
      assert.equal(ask(fixture, "11.0.0.2", { left: 80 })["99"], hasCopy ? undefined : 20, name);
      assert.equal(ask(fixture, "11.0.0.4")["99"], undefined, `${name}: one bridge is enough`);
    }
  });

  test("a stalled client gets outside peers until its download makes progress", () => {
    const fixture = bridged();
    outside(fixture);
    for (let i = 1; i <= 5; i++) ask(fixture, `11.0.0.${i}`);
    for (let time = 0; time < 600; time += 150) {
      assert.equal(ask(fixture, "11.0.0.5", { left: 100 })["99"], undefined);
      for (const bridge of [1, 2]) ask(fixture, `11.0.0.${bridge}`, { left: 99 - time / 150 });
      fixture.clock.seconds += 150;
    }
    fixture.clock.seconds += 150;
    for (const bridge of [1, 2]) ask(fixture, `11.0.0.${bridge}`, { left: 90 });
    for (let i = 0; i < 20; i++) {
      assert.equal(ask(fixture, "11.0.0.5", { left: 100 })["99"], 20, "stalled, and stays so");
      for (const bridge of [1, 2]) ask(fixture, `11.0.0.${bridge}`, { left: 89 - i });
      fixture.clock.seconds += 140;
    }
    assert.equal(ask(fixture, "11.0.0.5", { left: 60 })["99"], undefined);
  });

  test("if complete copies at home send enough, no client gets outside peers", () => {
    const fixture = bridged();
    outside(fixture);
    for (let i = 1; i <= 2; i++) ask(fixture, `12.0.0.${i}`, { left: 0 });
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 12: 2 });
    fixture.announce("12.0.0.1", { event: ANNOUNCE_EVENT.stopped });
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 12: 1, 99: 1 }, "one copy alone may be out of reach");
    fixture.announce("12.0.0.2", { event: ANNOUNCE_EVENT.stopped });
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 99: 20 });
  });

  test("a complete copy replaces bridges once it is proven, and is returned to clients before", () => {
    const fixture = new TrackerFixture({
      selection: { policy: "bridged", patience: PATIENT, bridges: 1 },
      minDwell: 600,
    });
    outside(fixture);
    for (const host of [1, 2]) ask(fixture, `12.0.0.${host}`, { left: 0 });
    assert.deepEqual(ask(fixture, "11.0.0.1"), { 12: 2, 99: 20 }, "a bridge: they say they have it");
    fixture.clock.seconds += 700;
    for (const host of [1, 2]) ask(fixture, `12.0.0.${host}`, { left: 0 });
    assert.deepEqual(ask(fixture, "11.0.0.2"), { 11: 1, 12: 2 });
    const crowd = new TrackerFixture({
      selection: { policy: "bridged", patience: PATIENT, bridges: 1 },
      minDwell: 600,
    });
    outside(crowd);
    for (let host = 1; host <= 6; host++) ask(crowd, `11.0.0.${host}`);
    crowd.clock.seconds += 100;
    ask(crowd, "11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.completed });
    assert.equal(
      ask(crowd, "11.0.0.2", { left: 50 })["99"],
      undefined,
      "the first of a crowd counts at once",
    );
  });

  test("a client that is not stored gets outside peers, because its stalls are not seen", () => {
    const fixture = bridged({ bridges: 1 });
    outside(fixture);
    for (let host = 1; host <= 5; host++) ask(fixture, `11.0.0.${host}`);
    assert.deepEqual(ask(fixture, "11.0.0.9", { port: 1 }), { 11: 5, 99: 20 });
  });

  test("one complete copy is enough if leechers pass on what it sends", () => {
    const fixture = bridged({ bridges: 1, patience: 1.1 });
    outside(fixture);
    ask(fixture, "12.0.0.1", { left: 0 });
    for (let i = 1; i <= 4; i++) assert.ok(ask(fixture, `11.0.0.${i}`)["99"], "up to three others");
    fixture.learn(...Array.from({ length: 9 }, (_, i) => [12, 0, 1, i, 0x1a, 0xe1]).flat());
    assert.ok(ask(fixture, "11.0.0.2")["99"], "learned peers do not count");
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped });
    for (const host of [5, 6]) ask(fixture, `11.0.0.${host}`);
    assert.equal(ask(fixture, "11.0.0.2")["99"], undefined, "four others are enough");
    assert.equal(ask(fixture, "11.0.0.7")["99"], undefined);
  });

  test("a client with two addresses counts once as a leecher and as a bridge", () => {
    const fixture = bridged({ bridges: 1, homePeersEnough: 3 });
    outside(fixture);
    const both = (client: number) =>
      [`11.0.0.${client}`, `2001:db8:11:${client}::1`].map((address) =>
        ask(fixture, address, { client, port: 1000 + client }),
      );
    assert.deepEqual(both(1), [{ 99: 20 }, { 99: 20 }], "one bridge, with both its addresses");
    assert.deepEqual(both(2), [{ 11: 1 }, { 11: 1 }]);
    for (let round = 0; round < 2; round++) {
      fixture.clock.seconds += 250;
      assert.deepEqual(both(1), [
        { 11: 1, 99: 20 },
        { 11: 1, 99: 20 },
      ]);
      assert.deepEqual(both(2), [{ 11: 1 }, { 11: 1 }]);
    }
  });

  test("a client far behind the bridges becomes another bridge, within limits", () => {
    const fixture = bridged({ bridges: 1 });
    const mega = (count: number) => ({ left: coarseLeft(count * 1e6) });
    outside(fixture);
    // The progress of peers that a neighbor named is unknown.
    fixture.learn(...Array.from({ length: 40 }, (_, i) => [12, 0, 1, i, 0x1a, 0xe1]).flat());
    for (let i = 1; i <= 10; i++) ask(fixture, `11.0.0.${i}`, mega(1000));
    fixture.clock.seconds += 300;
    assert.equal(ask(fixture, "11.0.0.1", mega(400))["99"], 20);
    assert.equal(ask(fixture, "11.0.0.2", mega(750))["99"], undefined, "it has the rest in 420 s");
    for (const host of [3, 4])
      assert.equal(ask(fixture, `11.0.0.${host}`, mega(900))["99"], 20, "it would take 1500 s");
    assert.equal(ask(fixture, "11.0.0.5", mega(900))["99"], undefined, "one for every four leechers");
    assert.equal(ask(fixture, "11.0.0.11", mega(1000))["99"], undefined, "a newcomer has not fallen behind");
  });

  test("outside, clients get only bridges and complete copies", () => {
    const fixture = bridged({ bridges: 1 });
    outside(fixture, 50);
    for (let i = 1; i <= 5; i++) ask(fixture, `11.0.0.${i}`);
    assert.deepEqual(ask(fixture, "99.9.9.9"), { 11: 1, 99: 20 });
    ask(fixture, "11.0.0.6", { left: 0 });
    assert.deepEqual(ask(fixture, "99.9.9.9"), { 11: 2, 99: 21 - 1 });
    assert.deepEqual(ask(fixture, "99.9.9.8", { left: 0, uploaded: 1 }), { 11: 1, 99: 21 });
    fixture.clock.seconds += 700;
    assert.deepEqual(ask(fixture, "99.9.9.9"), { 11: 6, 99: 21 }, "unless it stalls");
  });

  test("outside clients get outside peers first if strangers is set so", () => {
    for (const [strangers, first] of [
      ["nearest", "11"],
      ["outside_first", "99"],
    ] as const) {
      const fixture = bridged({ strangers });
      outside(fixture);
      for (let i = 1; i <= 5; i++) ask(fixture, `11.0.0.${i}`, { left: 0 });
      ask(fixture, "99.9.9.9");
      assert.equal(fixture.returned(4)[0].address.slice(0, 2), first);
      assert.equal(fixture.returned(4).length, 25);
    }
  });

  test("home can be a tier or a group", () => {
    const given = (home: NonNullable<TestSelection["home"]>) => {
      const fixture = bridged({ home, bridges: 1 });
      outside(fixture);
      for (let i = 1; i <= 3; i++) for (const net of [11, 12, 13]) ask(fixture, `${net}.0.0.${i}`);
      return [ask(fixture, "11.0.0.9"), ask(fixture, "13.0.0.9")];
    };
    assert.deepEqual(given("groups"), [
      { 11: 3, 12: 3, 13: 3 },
      { 13: 3, 11: 4, 12: 3 },
    ]);
    assert.deepEqual(given("tier"), [{ 11: 3, 12: 3 }, { 13: 3 }]);
    assert.deepEqual(given("group"), [{ 11: 3 }, { 13: 3 }]);
  });

  test("a client that downloads at home gets a shorter interval", () => {
    const fixture = bridged();
    outside(fixture);
    for (const left of [100, 100, 100, 0, 0, 100]) {
      ask(fixture, `11.0.0.${left}`, { left });
      const soon = fixture.response.interval >= 270 && fixture.response.interval <= 330;
      assert.equal(soon, left > 0);
      assert.ok(fixture.response.minInterval <= fixture.response.interval);
    }
    ask(fixture, "99.9.9.9");
    assert.ok(fixture.response.interval >= 1620);
  });

  test("two homes do not count each other's bridges", () => {
    const fixture = bridged({ home: "group", bridges: 1 });
    outside(fixture);
    assert.equal(ask(fixture, "11.0.0.1")["99"], 20);
    assert.equal(ask(fixture, "13.0.0.1")["99"], 20);
    assert.deepEqual(ask(fixture, "13.0.0.2"), { 13: 1 });
  });
});

describe("bridged, for random events", () => {
  const step = fc.record({
    host: fc.integer({ min: 1, max: 12 }),
    act: fc.constantFrom(
      "announce",
      "announce",
      "announce",
      "progress",
      "progress",
      "complete",
      "stop",
      "vanish",
    ),
    later: fc.integer({ min: 0, max: 200 }),
  });

  test("bridges with a lease and answers never exceed their limits, and no client gets itself", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 400, size: "max" }),
        fc.integer({ min: 1, max: 3 }),
        (steps, bridges) => {
          const fixture = bridged({ bridges });
          outside(fixture);
          const left = new Map<number, number>();
          /** When each host last got outside peers without having stalled: it is a bridge then. */
          const lease = new Map<number, number>();
          for (const { host, act, later } of steps) {
            fixture.clock.seconds += later;
            const address = `11.0.0.${host}`;
            if (act === "vanish") continue;
            if (act === "stop") {
              fixture.announce(address, { event: ANNOUNCE_EVENT.stopped });
              left.delete(host);
              lease.delete(host);
              continue;
            }
            const known = left.has(host);
            const before = left.get(host) ?? 4000;
            const now = act === "complete" ? 0 : act === "progress" ? Math.floor(before * 0.9) : before;
            left.set(host, now);
            fixture.announce(address, { left: now, numWant: 6 });
            const given = fixture.returned(4);
            assert.ok(given.length <= 6);
            assert.ok(given.every((peer) => peer.address !== address));
            const others = [...left].filter(([other]) => other !== host).map(([, rest]) => rest);
            const seeds = others.filter((rest) => rest === 0).length;
            const leechers = others.length - seeds;
            const live = [...lease].filter(
              ([other, seen]) => other !== host && fixture.clock.seconds - seen <= 375,
            );
            lease.delete(host);
            if (now === 0 || !fixture.isBridge(address)) continue;
            const enough = seeds >= 2 || (seeds === 1 && leechers >= 4);
            assert.ok(!enough || known, "a newcomer first tries the complete copies");
            assert.ok(live.length < bridges + Math.floor(leechers / 4), `${live.length + 1} bridges`);
            const isLimited = seeds > 0 && leechers < 4;
            const outsiders = given.filter((peer) => peer.address.startsWith("99.")).length;
            assert.ok(outsiders >= 3 || isLimited, "half of six");
            lease.set(host, fixture.clock.seconds);
          }
        },
      ),
      { numRuns: caseCount(40, 100) },
    );
  });

  test("after two announces, every client that could finish is connected to a complete copy", () => {
    // The peers announce in turn and know only the peers in their answers. Bridges may fail or make no progress.
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 20 }),
        (hosts, dead, complete) => {
          const fixture = bridged();
          for (let i = 1; i <= complete; i++) fixture.announce(`99.0.0.${i}`, { left: 0, numWant: 0 });
          for (let i = 1; i <= hosts; i++) fixture.announce(`11.0.0.${i}`, { numWant: 0 });
          const living = Array.from({ length: hosts }, (_, i) => i + 1).filter(
            (host) => !dead.includes(host),
          );
          const meets = new Map<string, Set<string>>();
          // Failed bridges are silent from now on. The first round may still rely on them, the second may not.
          for (let round = 0; round < 2; round++) {
            fixture.clock.seconds += 601;
            for (const host of living) {
              fixture.announce(`11.0.0.${host}`);
              meets.set(`11.0.0.${host}`, new Set(fixture.returned(4).map(({ address }) => address)));
            }
          }
          for (const start of meets.keys()) {
            const reached = new Set([start]);
            for (const at of reached) for (const next of meets.get(at) ?? []) reached.add(next);
            assert.ok(
              [...reached].some((address) => address.startsWith("99.")),
              `${start} has no way`,
            );
          }
        },
      ),
    );
  });
});
