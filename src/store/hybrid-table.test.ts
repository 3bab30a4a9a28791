/** Traffic of clients with several torrents: a torrent with two info-hashes counts once, and no traffic of others is lost. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { GROUP_IDS, NO_GROUP } from "../network/peer-groups.ts";
import { type Announced, TrackerFixture } from "../tracker/tracker-fixture.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "./group-activity.ts";
import type { RefusedPairs } from "./refused-pairs.ts";
import { allocateSwarmStore } from "./store-memory.ts";

const { started, completed, stopped } = ANNOUNCE_EVENT;
const MIB = 1024 * 1024;
const ADDRESS = "11.0.0.1";
const [V1, V2] = [7, 0xabcdef];

class Site extends TrackerFixture {
  get traffic(): number[] {
    const sum = [0, 0];
    for (let row = 0; row < this.activity.length; row += ACTIVITY_WIDTH)
      for (const i of [0, 1]) sum[i] += this.activity[row + ACTIVITY.downloaded + i] / MIB;
    return sum.map((mib) => Math.round(mib * 1000) / 1000);
  }

  /** Announces sums in MiB. */
  say(swarm: number, received: number, sent: number, left: number, fields: Announced = {}): void {
    this.announce(ADDRESS, { swarm, client: 1, transferred: [received * MIB, sent * MIB], left, ...fields });
  }

  /** Advances the clock. */
  wait(seconds: number): this {
    this.clock.seconds += seconds;
    return this;
  }
}

/** A tracker whose routers refuse what they are told, and by info-hash whether that is the client's connections. */
class GatedSite extends Site {
  readonly #words = parseAddress(ADDRESS).words;

  constructor() {
    super({
      store: allocateSwarmStore(10_000, 2, [1, 2], true),
      gatedGroups: new Uint8Array(GROUP_IDS).fill(1, NO_GROUP + 1),
    });
    this.#pairs.areEnforced = true;
    for (let host = 1; host <= 9; host++)
      for (const swarm of [V1, V2]) this.announce(`99.0.0.${host}`, { swarm, left: 0, numWant: 0 });
  }

  get #pairs(): RefusedPairs {
    const { refusedPairs } = this.store.traffic;
    assert.ok(refusedPairs);
    return refusedPairs;
  }

  refuse(swarm: number, isRefused: boolean): void {
    const hash = this.#pairs.hashOf(Uint32Array.of(swarm, 0, 0, 0, 0));
    if (isRefused) this.#pairs.add(hash, 4, this.#words, 0);
    else this.#pairs.remove(hash, 4, this.#words, 0);
  }

  /** MiB that the client is taken to have received from outside. */
  get entered(): number {
    let sum = 0;
    for (let row = (NO_GROUP + 1) * ACTIVITY_WIDTH; row < this.activity.length; row += ACTIVITY_WIDTH)
      sum += this.activity[row + ACTIVITY.outside] / MIB;
    return Math.round(sum);
  }
}

/** A client starts one or two torrents of 100 MiB. */
function begun(received = 0, sent = 0, left = 900): Site {
  const site = new Site();
  site.say(V1, received, sent, left, { event: started });
  site.wait(1).say(V2, received, sent, left, { event: started });
  return site;
}

test("a hybrid torrent brings nothing from outside while routers refuse both of its info-hashes", () => {
  const site = new GatedSite();
  site.say(V1, 0, 0, 900, { event: started });
  site.say(V2, 0, 0, 900, { event: started });
  for (const swarm of [V1, V2]) site.refuse(swarm, true);
  site.wait(300).say(V1, 10, 0, 800);
  site.wait(5).say(V2, 10, 0, 800);
  assert.equal(site.entered, 0);
  // One of them opens: all that comes is taken for traffic with the outside, until both are refused again.
  site.refuse(V2, false);
  site.wait(300).say(V1, 20, 0, 700);
  site.wait(5).say(V2, 22, 0, 700);
  site.wait(300).say(V1, 30, 0, 600);
  assert.equal(site.entered, 20);
  site.refuse(V2, true);
  site.wait(5).say(V2, 30, 0, 600);
  site.wait(300).say(V1, 50, 0, 400);
  assert.equal(site.entered, 20);
});

test("a hybrid torrent that is refused under one info-hash only meets the outside, whichever is announced first", () => {
  const site = new GatedSite();
  site.say(V1, 0, 0, 900, { event: started });
  site.say(V2, 0, 0, 900, { event: started });
  site.refuse(V1, true);
  site.wait(300).say(V1, 10, 0, 800);
  assert.equal(site.entered, 10);
});

describe("a hybrid torrent", () => {
  test("counts once, though its info-hashes are announced at different times", () => {
    const site = begun();
    site.wait(1700).say(V1, 10, 1, 800);
    site.wait(150).say(V2, 12, 2, 780);
    site.wait(1500).say(V1, 30, 3, 600);
    site.wait(400).say(V2, 37, 3, 530);
    site.wait(700).say(V1, 90, 9, 0, { event: completed });
    site.wait(1).say(V2, 90, 9, 0, { event: completed });
    site.wait(1700).say(V2, 90, 20, 0);
    site.wait(300).say(V1, 90, 25, 0);
    site.wait(500).say(V1, 90, 30, 0, { event: stopped });
    site.wait(2).say(V2, 90, 30.01, 0, { event: stopped });
    assert.deepEqual(site.traffic, [90, 30.01]);
  });

  test("counts once with two addresses, each of which is announced under both info-hashes", () => {
    const site = new Site();
    const all = (mib: number, left: number, event: Announced["event"] & number) => {
      for (const swarm of [V1, V2])
        for (const address of [ADDRESS, "2001:db8:11:1::1"])
          site.wait(1).announce(address, { swarm, client: 1, transferred: [mib * MIB, 0], left, event });
    };
    all(0, 900, started);
    for (const [mib, left] of [
      [1, 800],
      [2, 700],
      [3, 600],
    ]) {
      site.wait(1800);
      all(mib, left, ANNOUNCE_EVENT.none);
    }
    all(3, 600, stopped);
    assert.deepEqual(site.traffic, [3, 0], "3 MiB received, announced four times");
  });

  test("counts once after a pause, while its sums continue, and when another torrent begins", () => {
    const site = begun(50, 5, 400);
    site.say(99, 0, 0, 900, { event: started });
    site.wait(1800).say(V1, 60, 6, 300);
    site.wait(100).say(V2, 70, 7, 200);
    site.say(99, 4, 0, 800);
    assert.deepEqual(site.traffic, [24, 2]);
    for (const swarm of [V1, V2]) site.wait(1).say(swarm, 70, 7, 200, { event: stopped });
    for (const swarm of [V2, V1]) site.wait(1).say(swarm, 70, 7, 200, { event: started });
    for (const swarm of [V2, V1]) site.wait(900).say(swarm, 80, 8, 100);
    assert.deepEqual(site.traffic, [34, 3]);
  });
});

describe("two torrents of one client that began with equal sums", () => {
  const endings: [string, (site: Site) => number[]][] = [
    [
      "the slower one is announced after the faster one",
      (site) => {
        site.wait(1700).say(V1, 50, 0, 500);
        site.wait(100).say(V2, 10, 1, 450);
        site.wait(1700).say(V2, 20, 1, 400);
        return [70, 1];
      },
    ],
    [
      "one has gone, and the other goes on",
      (site) => {
        site.wait(300).say(V1, 90, 0, 0, { event: completed });
        site.wait(1).say(V1, 90, 0, 0, { event: stopped });
        site.wait(600).say(V2, 95, 0, 0, { event: completed });
        return [185, 0];
      },
    ],
    [
      "both stop at once, with different sums",
      (site) => {
        site.wait(1700).say(V1, 10, 0, 700, { event: stopped });
        site.wait(1).say(V2, 40, 0, 600, { event: stopped });
        return [50, 0];
      },
    ],
    [
      "one completes long after the other",
      (site) => {
        site.wait(600).say(V1, 90, 0, 0, { event: completed });
        site.wait(400).say(V2, 90, 0, 0, { event: completed });
        return [180, 0];
      },
    ],
    [
      "sums begin again",
      (site) => {
        site.wait(1700).say(V1, 10, 0, 700);
        site.wait(100).say(V2, 30, 0, 600);
        site.wait(1700).say(V2, 5, 0, 500);
        return [45, 0];
      },
    ],
  ];
  for (const [name, end] of endings) {
    test(`count both: ${name}`, () => {
      const site = begun();
      const expected = end(site);
      assert.deepEqual(site.traffic, expected);
    });
  }

  test("two seeders that have sent nothing yet are not taken for one torrent", () => {
    const site = begun(0, 0, 0);
    site.wait(1700).say(V1, 0, 5, 0);
    site.wait(100).say(V2, 0, 7, 0);
    assert.deepEqual(site.traffic, [0, 12]);
  });
});

test("a client with several torrents loses none of its traffic, in any order of announces", () => {
  const torrent = fc.record({
    left: fc.constantFrom(500, 600, 700),
    steps: fc.array(
      fc.record({ wait: fc.constantFrom(0, 3, 60, 900), received: fc.nat(40), sent: fc.nat(40) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
  });
  fc.assert(
    fc.property(fc.array(torrent, { minLength: 2, maxLength: 6 }), fc.nat(1000), (torrents, seed) => {
      const site = new Site({ seed });
      const sums = torrents.map(() => [0, 0]);
      for (const [i, { left }] of torrents.entries()) site.say(i + 1, 0, 0, left, { event: started });
      // The torrents are announced in turn, each with sums of its own.
      const most = Math.max(...torrents.map(({ steps }) => steps.length));
      for (let round = 0; round < most; round++) {
        for (const [i, { left, steps }] of torrents.entries()) {
          const { wait, received, sent } = steps[round % steps.length];
          // Each has received a different amount.
          sums[i] = [sums[i][0] + (1 + i) * 1000 + received, sums[i][1] + sent];
          site.wait(200 + wait).say(i + 1, sums[i][0], sums[i][1], left - round);
        }
      }
      for (const i of torrents.keys())
        site.wait(1).say(i + 1, sums[i][0], sums[i][1], 400, { event: stopped });
      const all = sums.reduce(([received, sent], each) => [received + each[0], sent + each[1]], [0, 0]);
      assert.deepEqual(site.traffic, all);
    }),
  );
});
