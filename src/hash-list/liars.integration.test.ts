/** What those who announce what they do not have get from the hash list, and what it costs subscribers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { buildPeerGroups } from "../network/peer-groups.ts";
import { parsePrefix } from "../network/prefix.ts";
import { AccessList, buildAccessList } from "../tracker/access-list.ts";
import { type Announced, TrackerFixture } from "../tracker/tracker-fixture.ts";
import { STRIKE_SECONDS, waitSeconds } from "./qualification.ts";
import type { HashListSettings } from "./settings.ts";
import { SwarmScanner } from "./swarm-scanner.ts";

const GROUPS = buildPeerGroups([
  { name: "home", priority: 0, prefixes: [parsePrefix("11.0.0.0/8").prefix], reachableFrom: [] },
]);
/** The defaults, but for min_peers: a swarm as small as can be. */
const SETTINGS: HashListSettings = {
  path: null,
  formats: [],
  interval: 600,
  minComplete: 2,
  leaveComplete: 1,
  minPeers: 3,
  minDwell: 600,
  tiers: 1,
  maxEntries: 100,
  exclude: new AccessList(buildAccessList("deny", new Uint32Array(0))),
  dryRun: false,
};
const LOOK_SECONDS = 60;
const STALL_SECONDS = 600;
const DAY = 86_400;
const LEECHER = "11.0.0.1";

/** A tracker that makes lists, once a minute. */
class World {
  readonly fixture = new TrackerFixture({ minDwell: SETTINGS.minDwell, maxPeers: 1000 });
  readonly start = this.fixture.clock.seconds;
  /** Since when the torrent has been listed without a break; undefined while it is not. */
  listedSince: number | undefined;
  listedSeconds = 0;
  longest = 0;
  readonly #scanner = new SwarmScanner(this.fixture.store);
  /** By name: when it announces next, and what. */
  readonly #clients = new Map<string, { at: number; every: number; act: () => Announced }>();

  constructor() {
    this.#scanner.adopt(GROUPS, SETTINGS);
  }

  /** Seconds since the start. */
  get time(): number {
    return this.fixture.clock.seconds - this.start;
  }

  add(address: string, first: number, every: number, act: () => Announced): void {
    this.#clients.set(address, { at: first, every, act });
  }

  /** A copy that stays. */
  addSeeder(address: string, first: number, every: number, uploaded = 0): void {
    this.add(address, first, every, () => ({ left: 0, numWant: 0, transferred: [0, uploaded] }));
  }

  remove(address: string): void {
    this.#clients.delete(address);
    this.fixture.announce(address, { left: 0, event: ANNOUNCE_EVENT.stopped });
  }

  async run(until: number, each: () => void = () => {}): Promise<void> {
    while (this.time < until) {
      for (const [address, client] of this.#clients) {
        if (client.at > this.time) continue;
        client.at += client.every;
        this.fixture.announce(address, client.act());
      }
      await this.#scan();
      each();
      this.fixture.clock.seconds += LOOK_SECONDS;
    }
  }

  async #scan(): Promise<void> {
    const now = () => this.fixture.clock.seconds;
    await this.#scanner.scan(SETTINGS, now, async () => {});
    const { hashes } = await this.#scanner.confirm(SETTINGS, now, async () => {});
    if (hashes.length === 0) {
      this.listedSince = undefined;
      return;
    }
    this.listedSince ??= this.time;
    this.listedSeconds += LOOK_SECONDS;
    this.longest = Math.max(this.longest, this.time + LOOK_SECONDS - this.listedSince);
  }
}

/**
 * Adds a leecher that gets something only while the torrent is not listed, and has not been for a while.
 * @returns what is to be called after each scan.
 */
function addStranded(world: World, every: number, retry: number): () => void {
  let left = 2046;
  let freeSince = 0;
  let progress = false;
  world.add(LEECHER, 0, every, () => {
    if (progress) left--;
    progress = false;
    return { left };
  });
  return () => {
    if (world.listedSince !== undefined) freeSince = world.time + LOOK_SECONDS;
    else if (world.time - freeSince >= retry) progress = true;
  };
}

const liar = fc.record({
  first: fc.nat(7200),
  every: fc.constantFrom(60, 300, 900, 1800, 3600),
  says: fc.constantFrom("it is complete", "it has completed", "it has uploaded"),
});

test("however many lie, a torrent that nobody inside can fetch is listed for a small part of the time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(liar, { minLength: 2, maxLength: 8 }),
      fc.constantFrom(300, 900, 1800, 3600),
      fc.constantFrom(0, 600, 1800),
      async (liars, every, retry) => {
        const world = new World();
        const afterScan = addStranded(world, every, retry);
        for (const [i, { first, every: often, says }] of liars.entries()) {
          const address = `11.0.1.${i}`;
          if (says === "it has completed") world.fixture.announce(address, { left: 1 });
          world.addSeeder(address, first, often, says === "it has uploaded" ? 5 : 0);
        }
        await world.run(3 * DAY, afterScan);
        const soon = world.listedSeconds;
        await world.run(7 * DAY, afterScan);
        // It is seen at the second announce after the last that had got on, and at the next scan.
        const most = 2 * every + STALL_SECONDS + 2 * LOOK_SECONDS;
        assert.ok(world.longest <= most, `${world.longest} s at a time`);
        assert.ok(soon > 0, "they do get it listed");
        const bound = most / (most + waitSeconds(SETTINGS.minDwell, 7) - 2 * LOOK_SECONDS);
        const share = (world.listedSeconds - soon) / (4 * DAY);
        assert.ok(share <= bound + most / (4 * DAY), `${share}, ${bound} at most`);
        assert.ok(world.listedSeconds <= 0.25 * 7 * DAY, `${world.listedSeconds} s in all`);
      },
    ),
    { numRuns: 12 },
  );
});

test("with honest copies it is listed soon, and stays, whoever downloads", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(3000), fc.constantFrom(900, 1800)), { minLength: 2, maxLength: 4 }),
      fc.constantFrom(900, 1800),
      async (copies, every) => {
        const world = new World();
        let left = 2000;
        world.add(LEECHER, 0, every, () => ({ left: left-- }));
        for (const [i, [first, often]] of copies.entries()) world.addSeeder(`11.0.1.${i}`, first, often);
        // Proven at the second announce; the second of them has the torrent wait.
        const proven = copies.map(([first, often]) => first + often).sort((a, b) => a - b)[1];
        const most = proven + SETTINGS.minDwell + 3 * LOOK_SECONDS;
        await world.run(2 * DAY, () => {
          if (world.time < proven + SETTINGS.minDwell - LOOK_SECONDS)
            assert.equal(world.listedSince, undefined);
          if (world.time >= most) assert.ok(world.listedSince !== undefined, `${world.time} s`);
        });
      },
    ),
    { numRuns: 15 },
  );
});

test("a copy that completes here counts at once, one that has only begun to be announced does not", async () => {
  const world = new World();
  world.fixture.announce("11.0.1.1", { left: 50 });
  world.fixture.announce("11.0.1.2", { left: 50 });
  world.addSeeder("11.0.1.1", 60, 1800);
  world.addSeeder("11.0.1.2", 60, 1800);
  world.add(LEECHER, 0, 86_400, () => ({ left: 50 }));
  await world.run(600);
  assert.equal(world.listedSince, undefined);
  await world.run(900);
  assert.ok(world.listedSince !== undefined);
});

test("when the only honest copy goes, one that is announced but not proven keeps no torrent on the list", async () => {
  const world = new World();
  for (const i of [1, 2]) world.addSeeder(`11.0.1.${i}`, 0, 900, 5);
  let left = 2000;
  world.add(LEECHER, 0, 900, () => ({ left: left-- }));
  await world.run(3600);
  assert.ok(world.listedSince !== undefined);
  world.addSeeder("11.0.1.3", 3600, 1800);
  for (const i of [1, 2]) world.remove(`11.0.1.${i}`);
  await world.run(3660);
  assert.equal(world.listedSince, undefined);
});

test("a download that stands still though the torrent is off the list keeps it off only for some hours", async () => {
  const world = new World();
  for (const i of [1, 2]) world.addSeeder(`11.0.1.${i}`, 0, 900, 5);
  world.add(LEECHER, 0, 900, () => ({ left: 50 }));
  await world.run(12 * 3600);
  const listed = world.listedSince;
  assert.ok(listed !== undefined, "it is not the list that it waits for");
  // And a strike goes with each day: the next stall costs less.
  await world.run(12 * 3600 + 3 * STRIKE_SECONDS);
  assert.equal(world.listedSince, listed);
  let left = 49;
  world.add(LEECHER, world.time, 900, () => ({ left }));
  await world.run(world.time + 900);
  await world.run(world.time + 1800, () => {});
  assert.equal(world.listedSince, undefined, "it had moved, and stalls again");
  left = 48;
  world.add(LEECHER, world.time, 900, () => ({ left: left-- }));
  const off = world.time;
  await world.run(off + waitSeconds(SETTINGS.minDwell, 2) + 1800);
  assert.ok(world.listedSince !== undefined, "two strikes, not five");
});
