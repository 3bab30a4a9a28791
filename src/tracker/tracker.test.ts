import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Address, type Family } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, AnnounceRequest, AnnounceResponse, LEFT_MAX } from "../model/announce.ts";
import { CLIENT_ERROR, OK } from "../model/client-error.ts";
import { allocateCounters, COUNTER } from "../model/counters.ts";
import { Random } from "../model/random.ts";
import { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import { buildPeerGroups, PeerGroups } from "../network/peer-groups.ts";
import { parsePrefix } from "../network/prefix.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { AccessList, buildAccessList } from "./access-list.ts";
import { allocateSwarmStore, SwarmStore } from "./swarm-store.ts";
import { Sweeper } from "./sweeper.ts";
import { Tracker } from "./tracker.ts";

interface Group {
  name: string;
  priority: number;
  prefixes: string[];
  reachableFrom?: string[];
}

const GROUPS: Group[] = [
  { name: "home", priority: 0, prefixes: ["11.0.0.0/8", "2001:db8:11::/48", "10.1.0.0/16"] },
  {
    name: "region",
    priority: 0,
    prefixes: ["12.0.0.0/8", "2001:db8:12::/48", "10.2.0.0/16"],
    reachableFrom: ["home"],
  },
  { name: "partner", priority: 5, prefixes: ["13.0.0.0/8", "2001:db8:13::/48"] },
];

const SETTINGS = { interval: 1800, minInterval: 900, numWant: 50, numWantMax: 200 };

function groupsOf(groups: Group[]): PeerGroups {
  return new PeerGroups(
    buildPeerGroups(
      groups.map(({ name, priority, prefixes, reachableFrom }) => ({
        name,
        priority,
        prefixes: prefixes.map((text) => parsePrefix(text).prefix),
        reachableFrom: reachableFrom ?? [],
      })),
    ),
  );
}

interface Told {
  address: string;
  port: number;
}

interface Announced extends Partial<Pick<AnnounceRequest, "port" | "left" | "event" | "numWant">> {
  swarm?: number;
  /** The peer's address in the other family. */
  other?: string;
}

class Fixture {
  readonly clock = { seconds: 1_000_000 };
  readonly counters = allocateCounters();
  readonly store: SwarmStore;
  readonly tracker: Tracker;
  readonly response = new AnnounceResponse();
  groups: PeerGroups;

  constructor(options: { groups?: Group[]; maxPeers?: number; seed?: number; accessList?: AccessList } = {}) {
    this.groups = groupsOf(options.groups ?? GROUPS);
    this.store = new SwarmStore(allocateSwarmStore(options.maxPeers ?? 100_000, 2, [1, 2]));
    const policy = {
      settings: SETTINGS,
      groups: this.groups,
      accessList: options.accessList ?? new AccessList(buildAccessList("off", new Uint32Array(0))),
    };
    const random = new Random([options.seed ?? 1, 2, 3, 4]);
    this.tracker = new Tracker(this.store, policy, random, this.clock, this.counters);
  }

  announce(
    address: string,
    fields: Announced = {},
  ): number {
    const request = new AnnounceRequest();
    request.infoHash[0] = fields.swarm ?? 0;
    request.address.copyFrom(parseAddress(address));
    request.port = fields.port ?? 6881;
    request.left = fields.left ?? 100;
    request.event = fields.event ?? ANNOUNCE_EVENT.none;
    request.numWant = fields.numWant ?? 50;
    if (fields.other !== undefined) {
      request.hasOther = true;
      request.otherAddress.copyFrom(parseAddress(fields.other));
      request.otherPort = request.port;
    }
    return this.tracker.announce(request, this.response);
  }

  /** The last answer's peers of one family. */
  told(family: Family): Told[] {
    const size = family === 4 ? 6 : 18;
    const bytes = family === 4 ? this.response.peers : this.response.peers6;
    const count = family === 4 ? this.response.peerCount : this.response.peer6Count;
    return Array.from({ length: count }, (_, i) => {
      const view = new DataView(bytes.buffer, i * size, size);
      const address = new Address();
      if (family === 4) address.setIPv4(view.getUint32(0));
      else address.setIPv6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
      return { address: formatAddress(address), port: view.getUint16(size - 2) };
    });
  }

  toldAll(): string[] {
    return [...this.told(4), ...this.told(6)].map(({ address, port }) => `${address} ${port}`);
  }

  scrape(swarm = 0): number[] {
    const request = new ScrapeRequest();
    const response = new ScrapeResponse();
    request.infoHashes[0] = swarm;
    request.count = 1;
    this.tracker.scrape(request, response);
    return [response.complete[0], response.incomplete[0], response.downloaded[0]];
  }
}

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
}

/** What design says of one requester and one peer: whether it may be given, and how far it is. */
function rank(groups: PeerGroups, requester: Member, peer: Member): number | undefined {
  const from = groups.groupOf(parseAddress(requester.address));
  const address = parseAddress(peer.address);
  const group = groups.groupOf(address);
  if (peer.address === requester.address && peer.port === requester.port) return undefined;
  if (requester.left === 0 && peer.left === 0) return undefined;
  if (isPrivate(address) && !groups.reaches(group, from)) return undefined;
  return groups.tierOf[group] * 2 + (group === from ? 0 : 1);
}

describe("tracker: nearest first", () => {
  const member = fc.record({
    address: fc.constantFrom(...ADDRESSES),
    port: fc.integer({ min: 1, max: 20 }),
    left: fc.constantFrom(0, 7),
  });

  test("an answer holds the nearest peers there are, nearest first, and none it must not hold", () => {
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 400, size: "max" }),
        member,
        fc.integer({ min: 0, max: 120 }),
        fc.integer(),
        (members, requester, numWant, seed) => {
          const fixture = new Fixture({ seed });
          const swarm = new Map<string, Member>();
          for (const each of [...members, requester]) {
            fixture.announce(each.address, { ...each, numWant: 0 });
            swarm.set(`${each.address} ${each.port}`, each);
          }
          assert.equal(fixture.announce(requester.address, { ...requester, numWant }), OK);
          const told = fixture.toldAll();
          const ranks = new Map<string, number>();
          for (const [name, peer] of swarm) {
            const far = rank(fixture.groups, requester, peer);
            if (far !== undefined) ranks.set(name, far);
          }
          assert.equal(new Set(told).size, told.length, "no peer twice");
          for (const name of told) assert.ok(ranks.has(name), `${name} must not be given`);
          assert.equal(told.length, Math.min(numWant, ranks.size), "as many as wanted, if there are");
          for (const family of [4, 6] as const) {
            const order = fixture.told(family).map(({ address, port }) => ranks.get(`${address} ${port}`)!);
            assert.deepEqual(
              order,
              order.toSorted((a, b) => a - b),
              "nearest first",
            );
          }
          // Nothing nearer of the requester's own family was left out for something farther.
          const family = requester.address.includes(":") ? 6 : 4;
          const own = fixture.told(family);
          const farthest = Math.max(-1, ...own.map(({ address, port }) => ranks.get(`${address} ${port}`)!));
          const leftOut = [...ranks].filter(
            ([name, far]) => name.includes(":") === (family === 6) && far < farthest && !told.includes(name),
          );
          assert.deepEqual(leftOut, []);
          const others = told.length - own.length;
          const ownThere = [...ranks.keys()].filter((name) => name.includes(":") === (family === 6)).length;
          assert.ok(
            others <= Math.max(numWant >> 2, numWant - ownThere),
            "the other family has a quarter at most",
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  test("in order: own group, its tier, the next tier, the rest", () => {
    const fixture = new Fixture();
    for (const net of [99, 13, 12, 11]) {
      for (let host = 1; host <= 60; host++) fixture.announce(`${net}.0.0.${host}`, { left: host % 2 });
    }
    fixture.announce("11.0.1.1", { numWant: 200 });
    const nets = fixture.told(4).map(({ address }) => address.slice(0, 2));
    assert.deepEqual(nets, [
      ...Array(60).fill("11"),
      ...Array(60).fill("12"),
      ...Array(60).fill("13"),
      ...Array(20).fill("99"),
    ]);
    fixture.announce("99.0.1.1", { numWant: 100 });
    const stranger = fixture.told(4).map(({ address }) => address.slice(0, 2));
    assert.ok(
      stranger.every((net) => net === "11" || net === "12"),
      "a stranger is answered by priority, too",
    );
  });

  test("every peer of a tier has the same chance, in small swarms and large, seeders and leechers, own group aside", () => {
    for (const size of [20, 31, 40, 300, 900]) {
      const fixture = new Fixture({ seed: size });
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
        for (const name of fixture.toldAll()) times.set(name, (times.get(name) ?? 0) + 1);
      }
      assert.equal(times.size, size, "everybody is given at some time");
      const expected = (draws * wanted) / size;
      // Runs are drawn together: the deviation of a count is that of a binomial all the same.
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
    const fixture = new Fixture();
    for (let i = 1; i <= 100; i++) fixture.announce(`2001:db8:11::${i}`, { numWant: 0 });
    for (let i = 1; i <= 3; i++) fixture.announce(`11.0.0.${i}`, { numWant: 0 });
    for (let i = 1; i <= 100; i++) fixture.announce(`99.0.0.${i}`, { numWant: 0 });
    fixture.announce("11.0.0.9", { numWant: 40 });
    assert.equal(fixture.told(6).length, 10);
    assert.equal(fixture.told(4).length, 30);
    assert.deepEqual(
      fixture
        .told(4)
        .slice(0, 3)
        .map(({ address }) => address.slice(0, 2)),
      ["11", "11", "11"],
    );
    fixture.announce("2001:db8:11::9999", { numWant: 40 });
    assert.equal(fixture.told(6).length, 36, "all IPv4 peers of the tier fit in the quarter");
    assert.equal(fixture.told(4).length, 4);
  });

  test("BEP 7: a peer with two addresses is stored under both and given neither", () => {
    const fixture = new Fixture();
    fixture.announce("11.0.0.1", { other: "2001:db8:11::1", left: 0, event: ANNOUNCE_EVENT.completed });
    assert.deepEqual(fixture.toldAll(), []);
    assert.deepEqual(fixture.scrape(), [2, 0, 1]);
    fixture.announce("11.0.0.2");
    assert.deepEqual(fixture.toldAll(), ["11.0.0.1 6881", "2001:db8:11::1 6881"]);
    fixture.announce("11.0.0.1", { other: "2001:db8:11::1", event: ANNOUNCE_EVENT.stopped });
    assert.deepEqual(fixture.scrape(), [0, 1, 1]);
  });
});

describe("tracker: swarms", () => {
  test("stopped removes; completed counts once for each peer", () => {
    const fixture = new Fixture();
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.started });
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.started });
    assert.deepEqual(fixture.scrape(), [0, 2, 0]);
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.completed, left: 0 });
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.completed, left: 0 });
    fixture.announce("11.0.0.1", { left: 0 });
    assert.deepEqual(fixture.scrape(), [1, 1, 1]);
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.completed, left: 3 });
    assert.deepEqual(fixture.scrape(), [1, 1, 1], "completed with something left is no completion");
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped, left: 0 });
    assert.equal(fixture.response.complete, 0);
    assert.equal(fixture.response.peerCount, 0);
    fixture.announce("11.0.0.3", { event: ANNOUNCE_EVENT.stopped });
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped });
    assert.equal(fixture.store.swarmCount, 0);
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped, swarm: 77 });
    assert.equal(fixture.store.swarmCount, 0, "stopping what nobody knows makes no swarm");
  });

  test("a stranger cannot stop another's peer", () => {
    const fixture = new Fixture();
    fixture.announce("11.0.0.1");
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped });
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped, port: 6882 });
    assert.deepEqual(fixture.scrape(), [0, 1, 0]);
  });

  test("BEP 21: a paused partial seed is a leecher that is given no seeders", () => {
    const fixture = new Fixture();
    fixture.announce("11.0.0.1", { left: 0 });
    fixture.announce("11.0.0.2");
    fixture.announce("11.0.0.3", { event: ANNOUNCE_EVENT.paused });
    assert.deepEqual(fixture.toldAll(), ["11.0.0.2 6881"]);
    assert.deepEqual(fixture.scrape(), [1, 2, 0]);
  });

  test("a huge left is not zero", () => {
    const fixture = new Fixture();
    fixture.announce("11.0.0.1", { left: LEFT_MAX });
    assert.deepEqual(fixture.scrape(), [0, 1, 0]);
  });

  test("at max_peers a new peer is answered, not stored, and counted", () => {
    const fixture = new Fixture({ maxPeers: 3 });
    for (const host of [1, 2, 3]) fixture.announce(`11.0.0.${host}`);
    assert.equal(fixture.announce("11.0.0.4"), OK);
    assert.equal(fixture.toldAll().length, 3);
    assert.deepEqual(fixture.scrape(), [0, 3, 0]);
    assert.equal(fixture.counters[COUNTER.peersRefused], 1);
    fixture.announce("11.0.0.5", { swarm: 9 });
    assert.equal(fixture.store.swarmCount, 1);
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped });
    fixture.announce("11.0.0.4");
    assert.deepEqual(fixture.scrape(), [0, 3, 0]);
  });

  test("addresses that nobody can reach are never stored", () => {
    const fixture = new Fixture();
    for (const address of ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"])
      fixture.announce(address);
    assert.deepEqual(fixture.scrape(), [0, 0, 0]);
    assert.equal(fixture.store.swarmCount, 0);
  });

  test("numwant: default, none, limited", () => {
    const fixture = new Fixture();
    for (let i = 1; i <= 250; i++) fixture.announce(`99.0.0.${i}`, { numWant: 0 });
    for (const [numWant, expected] of [
      [-1, 50],
      [0, 0],
      [1, 1],
      [200, 200],
      [1e9, 200],
    ]) {
      fixture.announce("11.0.0.1", { numWant });
      assert.equal(fixture.toldAll().length, expected);
    }
  });

  test("intervals are spread by a tenth either way, never below the minimum", () => {
    const fixture = new Fixture();
    const seen = new Set<number>();
    for (let i = 0; i < 4000; i++) {
      fixture.announce("11.0.0.1");
      seen.add(fixture.response.interval);
    }
    assert.ok(Math.min(...seen) >= 1620 && Math.max(...seen) <= 1980);
    assert.ok(Math.min(...seen) < 1640 && Math.max(...seen) > 1960);
    fixture.tracker.policy = { ...fixture.tracker.policy, settings: { ...SETTINGS, interval: 900 } };
    for (let i = 0; i < 100; i++) {
      fixture.announce("11.0.0.1");
      assert.ok(fixture.response.interval >= 900);
    }
  });

  test("the access list allows or denies", () => {
    const listed = new Uint32Array(10);
    listed[0] = 5;
    listed[5] = 5;
    listed[9] = 1;
    const allow = new Fixture({ accessList: new AccessList(buildAccessList("allow", listed)) });
    assert.equal(allow.announce("11.0.0.1", { swarm: 5 }), OK);
    assert.equal(allow.announce("11.0.0.1", { swarm: 6 }), CLIENT_ERROR.notAllowed);
    const deny = new Fixture({ accessList: new AccessList(buildAccessList("deny", listed)) });
    assert.equal(deny.announce("11.0.0.1", { swarm: 5 }), CLIENT_ERROR.notAllowed);
    assert.equal(deny.announce("11.0.0.1", { swarm: 6 }), OK);
  });
});

describe("sweeper", () => {
  function sweeperOf(fixture: Fixture): Sweeper {
    return new Sweeper(fixture.store, fixture.groups, 3900, fixture.counters, 0, 1);
  }

  /** One whole round, in steps of one hold. */
  function round(sweeper: Sweeper, fixture: Fixture): void {
    while (!sweeper.step(fixture.clock.seconds, 1)) {}
  }

  test("peers that do not announce any more go, empty swarms vanish", () => {
    const fixture = new Fixture();
    const sweeper = sweeperOf(fixture);
    for (let i = 0; i < 3000; i++) {
      fixture.announce(i % 2 ? `11.0.${i >> 8}.${i & 255}` : `2001:db8:11::${i.toString(16)}`, {
        swarm: i % 7,
      });
    }
    fixture.announce("11.9.9.9", { swarm: 100 });
    fixture.clock.seconds += 2000;
    for (let i = 0; i < 3000; i += 3) {
      fixture.announce(i % 2 ? `11.0.${i >> 8}.${i & 255}` : `2001:db8:11::${i.toString(16)}`, {
        swarm: i % 7,
      });
    }
    round(sweeper, fixture);
    assert.equal(fixture.store.peerCount, 3001, "nobody has expired yet");
    fixture.clock.seconds += 1901;
    round(sweeper, fixture);
    assert.equal(fixture.store.peerCount, 1000);
    assert.equal(fixture.store.swarmCount, 7);
    assert.equal(fixture.counters[COUNTER.peersExpired], 2001);
    fixture.clock.seconds += 2000;
    round(sweeper, fixture);
    assert.equal(fixture.store.swarmCount, 0);
    assert.equal(fixture.store.peerCount, 0);
  });

  test("ages are right across the 16-bit wrap of the clock", () => {
    for (const start of [65_530, 65_536 * 3 - 1, 0]) {
      const fixture = new Fixture();
      fixture.clock.seconds = start;
      const sweeper = sweeperOf(fixture);
      fixture.announce("11.0.0.1");
      fixture.clock.seconds += 3900;
      round(sweeper, fixture);
      assert.equal(fixture.store.peerCount, 1);
      fixture.clock.seconds += 1;
      round(sweeper, fixture);
      assert.equal(fixture.store.peerCount, 0);
    }
  });

  test("new groups reclassify the peers known and drop none", () => {
    const fixture = new Fixture();
    const sweeper = sweeperOf(fixture);
    for (let i = 0; i < 2000; i++)
      fixture.announce(`${11 + (i % 3)}.0.${i >> 8}.${i & 255}`, { left: i % 4, swarm: i % 2 });
    const before = [fixture.scrape(0), fixture.scrape(1)];
    // What was home is far now, and the partner is home.
    fixture.groups = groupsOf([
      { name: "home", priority: 0, prefixes: ["13.0.0.0/8"] },
      { name: "new", priority: 1, prefixes: ["11.0.0.0/9", "12.0.0.0/8"] },
    ]);
    fixture.tracker.policy = { ...fixture.tracker.policy, groups: fixture.groups };
    sweeper.reclassify(fixture.groups);
    assert.ok(sweeper.reclassifying);
    round(sweeper, fixture);
    round(sweeper, fixture);
    assert.ok(!sweeper.reclassifying);
    assert.deepEqual([fixture.scrape(0), fixture.scrape(1)], before);
    fixture.announce("13.9.9.9", { numWant: 200, left: 1 });
    assert.ok(fixture.told(4).every(({ address }) => address.startsWith("13.")));
    assert.equal(fixture.told(4).length, 200);
  });

  test("swarms that change between its steps confuse nothing", () => {
    const action = fc.record({
      swarm: fc.integer({ min: 0, max: 6 }),
      host: fc.integer({ min: 0, max: 900 }),
      stop: fc.boolean(),
      later: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 2500, size: "max" }), (actions) => {
        const fixture = new Fixture();
        const sweeper = sweeperOf(fixture);
        const lastSeen = new Map<string, number>();
        for (const { swarm, host, stop, later } of actions) {
          const address = `11.0.${host >> 8}.${host & 255}`;
          const event = stop ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
          fixture.announce(address, { swarm, event, left: host % 2, numWant: 1 });
          if (stop) lastSeen.delete(`${swarm} ${address}`);
          else lastSeen.set(`${swarm} ${address}`, fixture.clock.seconds);
          fixture.clock.seconds += later >> 6;
          sweeper.step(fixture.clock.seconds, 1);
        }
        round(sweeper, fixture);
        round(sweeper, fixture);
        const alive = [...lastSeen.values()].filter((seen) => fixture.clock.seconds - seen <= 3900);
        assert.equal(fixture.store.peerCount, alive.length);
      }),
      { numRuns: 25 },
    );
  });
});
