import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent } from "../model/announce.ts";
import { type Announced, TrackerFixture } from "../tracker/tracker-fixture.ts";
import { allocateSwarmStore } from "./store-memory.ts";

const { started, completed, stopped } = ANNOUNCE_EVENT;

/** Addresses of a client at home. */
const ipv4 = (client: number) => `11.0.${client >> 8}.${client & 0xff}`;
const ipv6 = (client: number) => `2001:db8:11:${client.toString(16)}::1`;

/** A tracker whose clients announce from both of their addresses, a few seconds apart. */
class Site extends TrackerFixture {
  both(client: number, fields: Announced = {}): void {
    this.announce(ipv4(client), { client, port: 1000 + client, ...fields });
    this.clock.seconds += 3;
    this.announce(ipv6(client), { client, port: 1000 + client, ...fields });
  }

  /** Complete and incomplete clients in the last reply, which a scrape must confirm. */
  get counts(): number[][] {
    return [[this.response.complete, this.response.incomplete], this.scrape().slice(0, 2)];
  }

  assertCounts(complete: number, incomplete: number, what?: string): void {
    const both = [complete, incomplete];
    assert.deepEqual(this.counts, [both, both], what);
  }
}

describe("a client that announces from two addresses", () => {
  for (const onlyFamily of [false, true]) {
    const protocol = onlyFamily ? "UDP" : "HTTP";
    const announceBoth = (site: Site, client: number, fields: Announced = {}) => {
      const common = { client, port: 1000 + client, ...fields };
      site.announce(ipv4(client), { ...common, ...(onlyFamily ? { onlyFamily: 4 } : {}) });
      site.announce(ipv6(client), { ...common, ...(onlyFamily ? { onlyFamily: 6 } : {}) });
    };
    test(`${protocol}: it counts once while it downloads, completes and seeds`, () => {
      const site = new Site();
      for (const client of [1, 2, 3]) announceBoth(site, client, { event: started });
      site.assertCounts(0, 3);
      for (let round = 0; round < 3; round++) {
        site.clock.seconds += 1800;
        for (const client of [1, 2, 3]) announceBoth(site, client, { left: 50 });
        site.assertCounts(0, 3, `round ${round}`);
      }
      announceBoth(site, 2, { left: 0, event: completed });
      site.assertCounts(1, 2);
      assert.equal(site.scrape()[2], 1, "it has completed once");
      site.clock.seconds += 1700;
      for (const client of [1, 2, 3]) announceBoth(site, client, { left: 0 });
      site.assertCounts(3, 0);
      for (const client of [1, 2, 3]) announceBoth(site, client, { left: 0, event: stopped });
      assert.deepEqual(
        [site.counts, site.store.swarmCount],
        [
          [
            [0, 0],
            [0, 0],
          ],
          0,
        ],
      );
    });
  }

  test("clients with the same port, and clients without an identity, count separately", () => {
    const site = new Site();
    for (let i = 1; i <= 8; i++) {
      site.announce(ipv4(i), { left: 0 });
      site.announce(ipv6(i), { left: 0 });
    }
    site.assertCounts(16, 0);
  });

  test("two clients of one family with equal identities both count after both have announced again", () => {
    const site = new Site();
    const alike = { client: 1, port: 1001, left: 0 };
    site.announce(ipv4(1), alike);
    site.announce(ipv4(2), alike);
    site.assertCounts(1, 0, "one that has moved looks like this");
    for (let round = 0; round < 3; round++) {
      site.clock.seconds += 1800;
      for (const address of [1, 2]) site.announce(ipv4(address), alike);
      site.assertCounts(2, 0, `round ${round}`);
    }
  });

  test("the address that counts does not change from announce to announce", () => {
    const site = new Site();
    const keys = () => JSON.stringify(site.duplicates());
    site.both(1);
    site.both(2, { left: 0 });
    const before = keys();
    for (let round = 0; round < 5; round++) {
      site.clock.seconds += 1700 + 50 * round;
      site.both(1);
      site.both(2, { left: 0 });
      assert.equal(keys(), before);
    }
  });

  test("when the address that counts stops or expires, the other counts at its next announce", () => {
    for (const left of [0, 100]) {
      const site = new Site();
      site.both(1, { left });
      site.both(2, { left });
      site.announce(ipv4(1), { client: 1, port: 1001, left, event: stopped });
      site.clock.seconds += 1800;
      site.announce(ipv6(1), { client: 1, port: 1001, left });
      assert.equal(site.scrape()[left === 0 ? 0 : 1], 2);
    }
  });

  test("when the address that counts falls silent, the other takes its place", () => {
    const site = new Site();
    site.both(1, { left: 0 });
    const [counted] = site.duplicates();
    for (let i = 0; i < 3; i++) {
      site.clock.seconds += 1800;
      site.announce(ipv6(1), { client: 1, port: 1001, left: 0 });
    }
    assert.notDeepEqual(site.duplicates(), [counted]);
    assert.deepEqual(site.duplicates(), [ipv4(1)]);
    site.assertCounts(1, 0);
  });

  test("a client that has moved counts at its new address", () => {
    const site = new Site();
    site.announce(ipv4(1), { client: 1, left: 0 });
    site.clock.seconds += 900;
    site.announce(ipv4(99), { client: 1, left: 0 });
    site.assertCounts(1, 0);
    assert.deepEqual(site.duplicates(), [ipv4(1)]);
    site.clock.seconds += 1800;
    site.announce(ipv4(99), { client: 1, left: 0 });
    assert.deepEqual(site.duplicates(), [ipv4(1)]);
  });

  test("if one address of a client is in a peer group, it counts, and no outside address takes its place", () => {
    const outside = "2001:db8:99::1";
    for (const left of [0, 100]) {
      const site = new Site();
      for (const address of [outside, ipv4(1)]) site.announce(address, { client: 1, left });
      assert.deepEqual(site.duplicates(), [outside]);
      site.clock.seconds += 1800;
      for (const address of [outside, ipv4(1)]) site.announce(address, { client: 1, left });
      assert.deepEqual(site.duplicates(), [outside]);
    }
    const site = new Site();
    for (const address of [ipv4(1), "99.0.0.1"]) site.announce(address, { client: 1, left: 0 });
    assert.deepEqual(site.duplicates(), ["99.0.0.1"]);
  });

  test("an announce with both addresses is one client, even without an identity", () => {
    for (const client of [0, 1]) {
      const site = new Site();
      for (let i = 0; i < 3; i++) {
        site.announce(ipv4(1), { client, other: ipv6(1) });
        site.assertCounts(0, 1);
        site.clock.seconds += 1800;
      }
    }
  });

  test("a client with another's peer_id and key removes no peer from an answer, and only one of the two counts", () => {
    const site = new Site();
    site.announce(ipv4(1), { client: 1, left: 0 });
    site.announce("99.0.0.1", { client: 1, left: 0 });
    site.announce("2001:db8:99::1", { client: 1, left: 0 });
    site.announce(ipv4(2), { client: 2 });
    site.assertCounts(1, 1);
    assert.deepEqual(
      site.returnedAll().sort(),
      [`${ipv4(1)} 6881`, "2001:db8:99::1 6881", "99.0.0.1 6881"].sort(),
    );
    site.announce("99.0.0.1", { client: 1, event: stopped });
    site.announce("2001:db8:99::1", { client: 1, event: stopped });
    site.clock.seconds += 1800;
    site.announce(ipv4(1), { client: 1, left: 0 });
    assert.equal(site.scrape()[0], 1);
  });

  test("a client does not get its own other address", () => {
    const site = new Site();
    site.both(1);
    site.both(2);
    for (let round = 0; round < 3; round++) {
      for (const address of [ipv4, ipv6]) {
        site.announce(address(1), { client: 1, port: 1001 });
        assert.deepEqual(site.returnedAll().sort(), [`${ipv4(2)} 1002`, `${ipv6(2)} 1002`].sort());
      }
      site.clock.seconds += 1800;
    }
  });

  test("a large swarm counts each client with two addresses once", () => {
    const site = new Site();
    for (let client = 1; client <= 500; client++) {
      const left = client % 3 === 0 ? 0 : 100;
      site.announce(ipv4(client), { client, port: 1000 + client, left });
      site.announce(ipv6(client), { client, port: 1000 + client, left, numWant: 200 });
      assert.ok(
        !site.returnedAll().includes(`${ipv4(client)} ${1000 + client}`),
        "not its own other address",
      );
    }
    site.assertCounts(166, 334);
    site.clock.seconds += 1800;
    for (let client = 1; client <= 500; client++) site.both(client, { left: 0 });
    site.assertCounts(500, 0);
  });
});

test("counts and records agree after any announces from any addresses", () => {
  const announces = fc.record({
    client: fc.nat(6),
    host: fc.integer({ min: 1, max: 12 }),
    isIpv6: fc.boolean(),
    port: fc.integer({ min: 1, max: 2 }),
    left: fc.constantFrom(0, 100, 2000),
    event: fc.constantFrom(0, 1, 2, 3),
    other: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 4 }),
    seconds: fc.constantFrom(0, 1, 60, 300, 1800),
  });
  fc.assert(
    fc.property(fc.array(announces, { maxLength: 120 }), (all) => {
      const data = allocateSwarmStore(10_000, 2, [1, 2]);
      const site = new Site({ store: data });
      for (const { client, host, isIpv6, port, left, event, other, seconds } of all) {
        site.clock.seconds += seconds;
        const [address, otherAddress] = isIpv6 ? [ipv6, ipv4] : [ipv4, ipv6];
        const named = other === undefined ? {} : { other: otherAddress(other) };
        const fields: Announced = { client, port, left, event: event as AnnounceEvent, ...named };
        site.announce(address(host), fields);
        assert.equal(site.returnedAll().includes(`${address(host)} ${port}`), false);
      }
      assertConsistent(data);
    }),
  );
});
