import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { OK } from "../model/client-error.ts";
import { COUNTER } from "../model/counters.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { type Announced, TrackerFixture } from "../tracker/tracker-fixture.ts";

const ADDRESSES = [
  "11.0.0.1",
  "11.0.0.2",
  "11.0.0.3",
  "12.0.0.1",
  "12.0.0.2",
  "13.0.0.1",
  "13.0.0.2",
  "99.0.0.1",
  "99.0.0.2",
  "10.1.0.1",
  "10.1.0.2",
  "10.2.0.1",
  "10.2.0.2",
  "10.9.0.1",
  "10.9.0.2",
  "127.0.0.1",
  "100.64.0.1",
  "2001:db8:11::1",
  "2001:db8:11::2",
  "2001:db8:12::1",
  "2001:db8:13::1",
  "2001:db8:99::1",
  "fd00::1",
  "fd00::2",
];

interface Member {
  address: string;
  port: number;
  left: number;
  /** Bytes that it reports as sent. */
  uploaded: number;
}

/** The distance of a seeder from a seeder: farther than all others. */
const BEHIND = 1000;

/** The rules for one requester and one peer: whether the peer may be returned, and its distance. */
function rank(groups: PeerGroups, requester: Member, peer: Member): number | undefined {
  const from = groups.groupOf(parseAddress(requester.address));
  const address = parseAddress(peer.address);
  const group = groups.groupOf(address);
  if (peer.address === requester.address && peer.port === requester.port) return undefined;
  const isFilling = requester.left === 0 && peer.left === 0;
  if (isFilling && requester.uploaded > 0) return undefined;
  if (isPrivate(address) && !groups.reaches(group, from)) return undefined;
  return groups.tierOf[group] * 2 + (group === from ? 0 : 1) + (isFilling ? BEHIND : 0);
}

describe("nearest first", () => {
  const member = fc.record({
    address: fc.constantFrom(...ADDRESSES),
    port: fc.integer({ min: 2, max: 20 }),
    left: fc.constantFrom(0, 7),
    uploaded: fc.constantFrom(0, 5),
  });

  test("an answer contains the nearest allowed peers, in order of distance", () => {
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 400, size: "max" }),
        member,
        fc.integer({ min: 0, max: 120 }),
        fc.integer(),
        (members, requester, numWant, seed) => {
          const fixture = new TrackerFixture({ seed });
          const swarm = new Map<string, Member>();
          for (const each of [...members, requester]) {
            fixture.announce(each.address, { ...each, numWant: 0 });
            swarm.set(`${each.address} ${each.port}`, each);
          }
          assert.equal(fixture.announce(requester.address, { ...requester, numWant }), OK);
          const told = fixture.returnedAll();
          const ranks = new Map<string, number>();
          for (const [name, peer] of swarm) {
            const far = rank(fixture.groups, requester, peer);
            if (far !== undefined) ranks.set(name, far);
          }
          assert.equal(new Set(told).size, told.length, "no peer twice");
          for (const name of told) assert.ok(ranks.has(name), `${name} must not be given`);
          assert.equal(told.length, Math.min(numWant, ranks.size), "as many as wanted, if there are");
          for (const family of [4, 6] as const) {
            const order = fixture
              .returned(family)
              .map(({ address, port }) => ranks.get(`${address} ${port}`)!);
            assert.deepEqual(
              order,
              order.toSorted((a, b) => a - b),
              "nearest first",
            );
          }
          // No nearer peer of the requester's own family was left out in favour of a farther one.
          const family = requester.address.includes(":") ? 6 : 4;
          const own = fixture.returned(family);
          const farthest = Math.max(-1, ...own.map(({ address, port }) => ranks.get(`${address} ${port}`)!));
          const leftOut = [...ranks].filter(
            ([name, far]) => name.includes(":") === (family === 6) && far < farthest && !told.includes(name),
          );
          assert.deepEqual(leftOut, []);
          // Seeders for a seeder come after all others. The other family has a quarter of the room at most.
          let room = numWant;
          for (const isFilling of [false, true]) {
            const here = [...ranks].filter(([, far]) => far >= BEHIND === isFilling).map(([name]) => name);
            const isOwn = (name: string) => name.includes(":") === (family === 6);
            const given = here.filter((name) => told.includes(name));
            const others = given.filter((name) => !isOwn(name)).length;
            assert.ok(others <= Math.max(room >> 2, room - here.filter(isOwn).length));
            room -= given.length;
          }
        },
      ),
      { numRuns: caseCount(60, 150) },
    );
  });

  test("in order: own group, its tier, the next tier, the rest", () => {
    const fixture = new TrackerFixture();
    for (const net of [99, 13, 12, 11]) {
      for (let host = 1; host <= 60; host++) fixture.announce(`${net}.0.0.${host}`, { left: host % 2 });
    }
    fixture.announce("11.0.1.1", { numWant: 200 });
    const nets = fixture.returned(4).map(({ address }) => address.slice(0, 2));
    assert.deepEqual(nets, [
      ...Array(60).fill("11"),
      ...Array(60).fill("12"),
      ...Array(60).fill("13"),
      ...Array(20).fill("99"),
    ]);
    fixture.announce("99.0.1.1", { numWant: 100 });
    const stranger = fixture.returned(4).map(({ address }) => address.slice(0, 2));
    assert.ok(
      stranger.every((net) => net === "11" || net === "12"),
      "a stranger is answered by priority, too",
    );
  });

  test("every peer of a tier outside the own group has the same chance, in small and large swarms", () => {
    for (const size of [20, 31, 40, 300, 900]) {
      const fixture = new TrackerFixture({ seed: size });
      // Two groups of one tier, complete and incomplete: four runs of different lengths.
      for (let i = 0; i < size; i++) {
        const net = i % 3 === 0 ? 11 : 12;
        fixture.announce(`${net}.0.${i >> 8}.${i & 255}`, { left: i % 5 === 0 ? 0 : 9, numWant: 0 });
      }
      const draws = 6000;
      const wanted = 10;
      const times = new Map<string, number>();
      for (let i = 0; i < draws; i++) {
        fixture.announce("99.0.0.1", { numWant: wanted });
        for (const name of fixture.returnedAll()) times.set(name, (times.get(name) ?? 0) + 1);
      }
      assert.equal(times.size, size, "everybody is given at some time");
      const expected = (draws * wanted) / size;
      // Peers are drawn in runs. The deviation of a count is that of a binomial distribution nevertheless.
      const deviation = Math.sqrt(expected * (1 - wanted / size));
      for (const [name, count] of times) {
        assert.ok(
          Math.abs(count - expected) < 5 * deviation,
          `${name}: ${count}, expected ${expected} of ${size}`,
        );
      }
    }
  });

  test("a dual-stack client gets both families, an IPv4 one is not starved by IPv6", () => {
    const fixture = new TrackerFixture();
    for (let i = 1; i <= 100; i++) fixture.announce(`2001:db8:11::${i}`, { numWant: 0 });
    for (let i = 1; i <= 3; i++) fixture.announce(`11.0.0.${i}`, { numWant: 0 });
    for (let i = 1; i <= 100; i++) fixture.announce(`99.0.0.${i}`, { numWant: 0 });
    fixture.announce("11.0.0.9", { numWant: 40 });
    assert.equal(fixture.returned(6).length, 10);
    assert.equal(fixture.returned(4).length, 30);
    assert.deepEqual(
      fixture
        .returned(4)
        .slice(0, 3)
        .map(({ address }) => address.slice(0, 2)),
      ["11", "11", "11"],
    );
    fixture.announce("2001:db8:11::9999", { numWant: 40 });
    assert.equal(fixture.returned(6).length, 36, "all IPv4 peers of the tier fit in the quarter");
    assert.equal(fixture.returned(4).length, 4);
  });

  test("BEP 7: a peer with two addresses is stored under both and gets neither", () => {
    const fixture = new TrackerFixture();
    fixture.announce("11.0.0.1", { other: "2001:db8:11::1", left: 0, event: ANNOUNCE_EVENT.completed });
    assert.deepEqual(fixture.returnedAll(), []);
    assert.deepEqual(fixture.scrape(), [1, 0, 1]);
    fixture.announce("11.0.0.2");
    assert.deepEqual(fixture.returnedAll(), ["11.0.0.1 6881", "2001:db8:11::1 6881"]);
    fixture.announce("11.0.0.1", { other: "2001:db8:11::1", event: ANNOUNCE_EVENT.stopped });
    assert.deepEqual(fixture.scrape(), [0, 1, 1]);
  });

  test("the answer of a seeder that has transferred nothing is filled with seeders, after all leechers", () => {
    const fixture = new TrackerFixture();
    for (let i = 1; i <= 3; i++) fixture.announce(`11.0.0.${i}`, { left: 0, numWant: 0 });
    for (let i = 1; i <= 2; i++) fixture.announce(`99.0.0.${i}`, { numWant: 0 });
    const nets = (fields: Announced) => {
      fixture.announce("11.0.0.9", { left: 0, ...fields });
      return fixture.returned(4).map(({ address }) => address.slice(0, 2));
    };
    const { none, started, completed, paused } = ANNOUNCE_EVENT;
    const all = ["99", "99", "11", "11", "11"];
    assert.deepEqual(nets({ event: started, transferred: [9, 9] }), all);
    assert.deepEqual(nets({ event: started, numWant: 3 }), all.slice(0, 3));
    assert.deepEqual(nets({ event: none, transferred: [0, 0] }), all, "it may wait for long");
    assert.deepEqual(nets({ event: none }), all, "it does not say");
    for (const transferred of [
      [0, 1],
      [1, 0],
    ] as const)
      assert.deepEqual(nets({ event: none, transferred }), ["99", "99"]);
    for (const event of [completed, paused])
      assert.deepEqual(nets({ event, transferred: [0, 0] }), ["99", "99"]);
  });

  test("the answer of a dual-stack seeder is filled with seeders after the leechers of both families", () => {
    const fixture = new TrackerFixture();
    for (let i = 1; i <= 40; i++) fixture.announce(`11.0.0.${i}`, { left: 0, numWant: 0 });
    for (let i = 1; i <= 20; i++) fixture.announce(`2001:db8:11::${i}`, { numWant: 0 });
    fixture.announce("11.0.1.1", { left: 0, event: ANNOUNCE_EVENT.started, numWant: 30 });
    assert.deepEqual([fixture.returned(6).length, fixture.returned(4).length], [20, 10]);
  });

  test("seeders that fill an answer are not counted as candidates", () => {
    const fixture = new TrackerFixture();
    for (let i = 1; i <= 3; i++) fixture.announce(`99.0.0.${i}`, { left: 0, numWant: 0 });
    for (let i = 1; i <= 3; i++) fixture.announce(`11.0.0.${i}`, { numWant: 0 });
    const row = fixture.groups.groupOf(parseAddress("11.0.0.1")) * ACTIVITY_WIDTH;
    fixture.announce("11.0.0.9", { left: 0, transferred: [0, 0], event: ANNOUNCE_EVENT.started });
    assert.equal(fixture.returned(4).length, 6);
    assert.equal(fixture.counters[COUNTER.nearMissed], 0, "given outside peers only as there were no others");
    fixture.clock.seconds += 100;
    fixture.announce("11.0.0.9", { left: 0, transferred: [0, 1e6] });
    assert.equal(
      fixture.activity[row + ACTIVITY.random + 1],
      0,
      "a random choice would have sent nothing outside",
    );
  });

  test("port 1 is a placeholder: it is answered, and returned to no client", () => {
    const fixture = new TrackerFixture();
    fixture.announce("11.0.0.1", { left: 0 });
    for (const left of [100, 0]) {
      assert.equal(fixture.announce("11.0.0.2", { port: 1, left, event: ANNOUNCE_EVENT.started }), OK);
      assert.deepEqual(fixture.returnedAll(), ["11.0.0.1 6881"]);
    }
    fixture.learn(11, 0, 0, 3, 0, 1);
    fixture.announce("11.0.0.4", { other: "2001:db8:11::4" });
    assert.deepEqual(fixture.returnedAll(), ["11.0.0.1 6881"]);
    assert.deepEqual(fixture.scrape(), [1, 1, 0]);
    assert.equal(fixture.announce("11.0.0.2", { port: 1, event: ANNOUNCE_EVENT.stopped }), OK);
    fixture.announce("11.0.0.5", { swarm: 5, port: 1 });
    assert.equal(fixture.store.swarmCount, 1, "nothing is left of it");
  });
});
