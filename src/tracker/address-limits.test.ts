/** Limits on what one address can take from others: places in answers, and places in the store. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { COUNTER } from "../model/counters.ts";
import { allowanceFor, MEMBERS_SHARE } from "../store/admission.ts";
import { FAIR_PLACES } from "../store/household.ts";
import { allocateSwarmStore } from "../store/store-memory.ts";
import { type TestGroup, TrackerFixture } from "./tracker-fixture.ts";

const LIMIT = 16;
const HONEST = 120;
const INTERVAL = 1800;

class Crowd extends TrackerFixture {
  /** Attacks with many ports of one address, in one swarm. */
  flood(address: string, ports: number): void {
    for (let i = 1; i <= ports; i++) this.announce(address, { port: 1000 + i, numWant: 0 });
  }

  /** The number of places that one address has in an answer to another. */
  placesOf(address: string, requester: string, numWant = 50): number {
    this.announce(requester, { numWant });
    return [...this.returned(4), ...this.returned(6)].filter((peer) => peer.address === address).length;
  }
}

/** The `i`-th of many addresses. */
function host(network: string, i: number): string {
  return `${network}.${i >> 8}.${i & 0xff}`;
}

describe("places in answers", () => {
  const attackers = { subscriber: "11.0.200.1", stranger: "99.0.200.1" };
  for (const [kind, attacker] of Object.entries(attackers)) {
    test(`a ${kind} with many ports has few places among many others`, () => {
      const crowd = new Crowd({ addressLimit: LIMIT });
      const network = kind === "subscriber" ? "11.0" : "99.0";
      for (let i = 0; i < HONEST; i++) crowd.announce(host(network, i), { left: i % 3 });
      crowd.flood(attacker, 2000);
      for (let i = 0; i < 50; i++) {
        const requester = host(network, i);
        const places = crowd.placesOf(attacker, requester);
        assert.ok(places <= FAIR_PLACES, `${places} places`);
        assert.equal(crowd.returned(4).length, 50);
        assert.equal(new Set(crowd.returnedAll()).size, 50);
        assert.ok(!crowd.returnedAll().includes(`${requester} 6881`));
      }
      assert.equal(crowd.counters[COUNTER.addressPeersRefused], 2000 - LIMIT);
    });

    test(`a ${kind} with many ports has no more than its limit where there are few others`, () => {
      const crowd = new Crowd({ addressLimit: LIMIT });
      for (let i = 0; i < 5; i++) crowd.announce(host("11.0", i));
      crowd.flood(attacker, 2000);
      assert.equal(crowd.placesOf(attacker, "11.0.0.1", 200), LIMIT);
      assert.equal(crowd.returned(4).length, LIMIT + 4);
      const places = crowd.placesOf(attacker, "11.0.0.1", 8);
      assert.ok(places <= FAIR_PLACES, `${places} of 8 places`);
    });
  }

  test("other peers fill the places that the attacker's run alone cannot fill", () => {
    const crowd = new Crowd({ addressLimit: LIMIT });
    for (let i = 0; i < 60; i++) crowd.announce(host("11.0", i));
    // They are the only complete peers, so they are a run of their own.
    for (let i = 1; i <= LIMIT; i++) crowd.announce("11.0.200.1", { port: 1000 + i, left: 0 });
    for (let i = 0; i < 50; i++) {
      const places = crowd.placesOf("11.0.200.1", "11.0.0.1");
      assert.ok(places <= FAIR_PLACES, `${places} places`);
      assert.equal(crowd.returned(4).length, 50);
    }
  });

  test("every peer of a crowded swarm is returned as often as others", () => {
    const crowd = new Crowd({ addressLimit: LIMIT });
    for (let i = 0; i < 100; i++) crowd.announce(host("11.0", i));
    crowd.flood("11.0.200.1", LIMIT);
    const times = new Map<string, number>();
    const answers = 4000;
    for (let i = 0; i < answers; i++) {
      crowd.announce("11.0.250.1", { numWant: 20 });
      for (const peer of crowd.returnedAll()) times.set(peer, (times.get(peer) ?? 0) + 1);
    }
    const honest = Array.from({ length: 100 }, (_, i) => times.get(`${host("11.0", i)} 6881`) ?? 0);
    const mean = honest.reduce((sum, count) => sum + count, 0) / 100;
    assert.ok(mean > 0.15 * answers, `${mean}`);
    assert.ok(Math.min(...honest) > 0.8 * mean && Math.max(...honest) < 1.25 * mean, honest.join(" "));
  });

  test("the IPv6 addresses of a household count as one, and no others", () => {
    const crowd = new Crowd({ addressLimit: LIMIT });
    for (let i = 0; i < 100; i++)
      crowd.announce(`2001:db8:11:ff${(i & 0xff).toString(16).padStart(2, "0")}::1`);
    assert.deepEqual(crowd.scrape(), [0, LIMIT, 0]);
    for (let i = 0; i < 50; i++) crowd.announce(`2001:db8:11:${i.toString(16)}00::1`);
    assert.deepEqual(crowd.scrape(), [0, LIMIT + 50, 0]);
    crowd.announce("2001:db8:11:3000::1", { numWant: 30 });
    const places = crowd.returned(6).filter(({ address }) => address.startsWith("2001:db8:11:ff")).length;
    assert.ok(places <= FAIR_PLACES, `${places} places`);
  });

  test("clients behind one address of a group with a higher limit are all returned to each other", () => {
    const groups: TestGroup[] = [
      { name: "cgnat", priority: 0, prefixes: ["11.0.0.0/24"], addressLimit: 256 },
      { name: "others", priority: 1, prefixes: ["12.0.0.0/8"] },
    ];
    const crowd = new Crowd({ groups, addressLimit: LIMIT });
    for (let i = 0; i < 300; i++) crowd.announce(host("12.0", i));
    for (let port = 1001; port <= 1200; port++) crowd.announce("11.0.0.1", { port });
    assert.deepEqual(crowd.scrape(), [0, 500, 0]);
    const returned = new Set<string>();
    for (let port = 1001; port <= 1200; port++) {
      crowd.announce("11.0.0.1", { port, numWant: 50 });
      assert.ok(crowd.returned(4).every(({ address }) => address === "11.0.0.1"));
      for (const peer of crowd.returnedAll()) returned.add(peer);
    }
    assert.equal(returned.size, 200);
    assert.equal(crowd.counters[COUNTER.addressPeersRefused], 0);
    crowd.flood("12.9.9.9", 100);
    assert.deepEqual(crowd.scrape(), [0, 500 + LIMIT, 0]);
  });
});

for (const others of [0, 100]) {
  describe(`an address at its limit, among ${others} others`, () => {
    /** The address is at its limit. The first of its peers announced a minute before the others. */
    const makeFull = () => {
      const crowd = new Crowd({ addressLimit: LIMIT });
      for (let i = 0; i < others; i++) crowd.announce(host("12.0", i));
      crowd.announce("11.0.0.1", { port: 1001 });
      crowd.clock.seconds += 60;
      for (let i = 2; i <= LIMIT; i++) crowd.announce("11.0.0.1", { port: 1000 + i });
      return crowd;
    };
    const ports = (crowd: Crowd) => {
      crowd.announce("11.0.0.2", { numWant: 200, event: ANNOUNCE_EVENT.none });
      crowd.clock.seconds++;
      const found = crowd.returned(4).filter(({ address }) => address === "11.0.0.1");
      return found.map(({ port }) => port).sort((a, b) => a - b);
    };

    test("a new peer does not displace a peer that announces in time", () => {
      const crowd = makeFull();
      crowd.clock.seconds += INTERVAL - 60;
      assert.equal(crowd.placesOf("99.9.9.9", "11.0.0.1"), 0);
      assert.deepEqual(
        ports(crowd),
        Array.from({ length: LIMIT }, (_, i) => 1001 + i),
      );
    });

    test("an overdue peer makes room", () => {
      const crowd = makeFull();
      crowd.clock.seconds += INTERVAL * 1.2 - 30;
      crowd.announce("11.0.0.1", { port: 2000 });
      assert.deepEqual(ports(crowd), [...Array.from({ length: LIMIT - 1 }, (_, i) => 1002 + i), 2000]);
      assert.equal(crowd.counters[COUNTER.peersDisplaced], 1);
      crowd.announce("11.0.0.1", { port: 2001 });
      assert.equal(crowd.counters[COUNTER.addressPeersRefused], 1);
    });

    test("a peer that has left makes room", () => {
      const crowd = makeFull();
      crowd.announce("11.0.0.1", { port: 1003, event: ANNOUNCE_EVENT.stopped });
      crowd.announce("11.0.0.1", { port: 2000 });
      assert.ok(ports(crowd).includes(2000));
    });

    test("learned peers of an address exclude none of its clients", () => {
      const crowd = new Crowd({ addressLimit: LIMIT });
      for (let i = 0; i <= others; i++) crowd.announce(host("12.0", i));
      for (let port = 1; port <= 50; port++) crowd.learn(11, 0, 0, 1, 9, port);
      assert.equal(crowd.store.peerCount, others + 1 + LIMIT);
      for (let i = 1; i <= LIMIT; i++) crowd.announce("11.0.0.1", { port: 1000 + i });
      assert.deepEqual(crowd.scrape(), [0, others + 1 + LIMIT, 0]);
      assert.equal(crowd.counters[COUNTER.addressPeersRefused], 0);
    });
  });
}

describe("a tracker that becomes full", () => {
  const MAX_PEERS = 20_000;
  const SHARDS = 4;
  /** Twice its even share in each shard, plus eight, plus the part of a peer that others have in its counters. */
  const MOST = 2 * LIMIT * allowanceFor(MAX_PEERS) + 9 * SHARDS;
  const fill = (crowd: Crowd, count: number, addressOf: (i: number) => string) => {
    for (let i = 0; i < count; i++) crowd.announce(addressOf(i), { swarm: 1_000_000 + i, numWant: 0 });
  };
  const make = () => {
    const store = allocateSwarmStore(MAX_PEERS, SHARDS, [3, 4]);
    return { store, crowd: new Crowd({ store, addressLimit: LIMIT }) };
  };
  const isStored = (crowd: Crowd, address: string, swarm: number) => {
    crowd.announce(address, { swarm });
    return crowd.scrape(swarm)[1] === 1;
  };

  for (const attacker of ["99.0.0.1", "11.0.0.1"]) {
    test(`one address, ${attacker}, cannot`, () => {
      const { crowd, store } = make();
      fill(crowd, MAX_PEERS, () => attacker);
      assert.ok(crowd.store.peerCount <= MOST, `${crowd.store.peerCount} peers`);
      assert.equal(crowd.counters[COUNTER.addressPeersRefused], MAX_PEERS - crowd.store.peerCount);
      // A household that seeds a part of that is not affected.
      for (let i = 0; i < LIMIT * allowanceFor(MAX_PEERS) * 0.9; i++)
        assert.ok(isStored(crowd, "12.0.0.1", 5_000_000 + i));
      assertConsistent(store);
    });
  }

  test("peers in no group leave a share to members of peer groups", () => {
    const { crowd, store } = make();
    fill(crowd, MAX_PEERS, (i) => host("99.0", i));
    assert.equal(crowd.store.peerCount, MAX_PEERS * (1 - MEMBERS_SHARE));
    assert.ok(crowd.counters[COUNTER.peersRefused] > 0);
    for (let i = 0; i < MAX_PEERS * MEMBERS_SHARE; i++) assert.ok(isStored(crowd, host("12.0", i), i));
    assert.equal(crowd.store.peerCount, MAX_PEERS);
    assertConsistent(store);
  });

  test("members displace peers in no group, and these displace no peer", () => {
    const { crowd, store } = make();
    fill(crowd, MAX_PEERS, (i) => host("99.0", i));
    fill(crowd, 2 * MAX_PEERS, (i) => host("99.1", i));
    const displaced = crowd.counters[COUNTER.peersDisplaced];
    let stored = 0;
    for (let i = 0; i < MAX_PEERS / 2; i++) if (isStored(crowd, host("12.0", i), i)) stored++;
    assert.equal(displaced, 0);
    assert.ok(stored >= MAX_PEERS / 2 - 5, `${stored} of ${MAX_PEERS / 2}`);
    assert.equal(crowd.store.peerCount, MAX_PEERS);
    assert.ok(crowd.counters[COUNTER.peersDisplaced] >= MAX_PEERS / 4 - 5);
    // A known peer announces as before, and displaces no peer.
    const before = crowd.counters[COUNTER.peersDisplaced];
    for (let i = 0; i < 100; i++) crowd.announce(host("12.0", i), { swarm: i });
    assert.equal(crowd.counters[COUNTER.peersDisplaced], before);
    assertConsistent(store);
  });

  test("newcomers displace peers of addresses with many more", () => {
    for (const [many, few] of [
      ["99", "98"],
      ["11", "12"],
    ]) {
      const { crowd, store } = make();
      fill(crowd, MAX_PEERS * 2, (i) => `${many}.0.0.${1 + (i % 80)}`);
      let stored = 0;
      for (let i = 0; i < 500; i++) if (isStored(crowd, host(`${few}.0`, i), i)) stored++;
      assert.ok(stored >= 495, `${stored} of 500, in place of ${many}`);
      assertConsistent(store);
    }
  });

  test("peers in no group displace no member, even one with many peers", () => {
    const { crowd } = make();
    fill(crowd, MAX_PEERS * 2, (i) => `11.0.0.${1 + (i % 80)}`);
    const { peersDisplaced } = COUNTER;
    const before = crowd.counters[peersDisplaced];
    fill(crowd, 500, (i) => host("99.0", i));
    assert.equal(crowd.counters[peersDisplaced], before);
  });

  test("without peer groups no share is reserved", () => {
    const store = allocateSwarmStore(MAX_PEERS, SHARDS, [3, 4]);
    const crowd = new Crowd({ store, groups: [], addressLimit: LIMIT });
    fill(crowd, MAX_PEERS, (i) => host("99.0", i));
    assert.equal(crowd.store.peerCount, MAX_PEERS);
  });
});
