import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { buildPeerGroups } from "../network/peer-groups.ts";
import { parsePrefix } from "../network/prefix.ts";
import { AccessList, buildAccessList } from "../tracker/access-list.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import type { HashListSettings } from "./settings.ts";
import { SwarmScanner } from "./swarm-scanner.ts";

const GROUPS = buildPeerGroups([
  { name: "home", priority: 0, prefixes: [parsePrefix("11.0.0.0/8").prefix], reachableFrom: [] },
]);
const NOBODY = new Uint32Array(0);
const SETTINGS: HashListSettings = {
  path: null,
  formats: [],
  interval: 600,
  minComplete: 3,
  leaveComplete: 2,
  minPeers: 4,
  minDwell: 100,
  tiers: 1,
  maxEntries: 100,
  exclude: new AccessList(buildAccessList("deny", NOBODY)),
  dryRun: false,
};

const SWARMS = 3;
const PEERS = 8;

/** A peer comes, completes or goes, or all of a swarm but that one go; peers from number 6 on are outside. */
type Change = { swarm: number; peer: number; does: "leech" | "seed" | "stop" | "remain" };
const change: fc.Arbitrary<Change> = fc.record({
  swarm: fc.nat(SWARMS - 1),
  peer: fc.nat(PEERS - 1),
  does: fc.oneof(
    { weight: 40, arbitrary: fc.constant("seed" as const) },
    { weight: 10, arbitrary: fc.constantFrom("leech" as const, "stop" as const) },
    { weight: 1, arbitrary: fc.constant("remain" as const) },
  ),
});
const steps = fc.array(
  fc.record({
    changes: fc.array(change, { minLength: 20, maxLength: 60 }),
    seconds: fc.constantFrom(1, 30, 60, 100),
  }),
  { maxLength: 12 },
);

/** A store that changes, and what is in it as the test knows it. */
class World {
  readonly fixture = new TrackerFixture();
  readonly scanner = new SwarmScanner(this.fixture.store);
  readonly settings: HashListSettings;
  /** By swarm and peer: whether it is complete. */
  readonly known = new Map<string, boolean>();
  /** Swarms that lost their last peer, and with it what was remembered of them. */
  readonly vanished = new Set<number>();

  constructor(settings: Partial<HashListSettings> = {}) {
    this.settings = { ...SETTINGS, ...settings };
    this.scanner.adopt(GROUPS, this.settings);
  }

  readonly now = (): number => this.fixture.clock.seconds;

  apply({ swarm, peer, does }: Change): void {
    if (does === "remain") {
      for (let other = 0; other < PEERS; other++)
        if (other !== peer) this.apply({ swarm, peer: other, does: "stop" });
      return;
    }
    const event = does === "stop" ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
    const address = peer < 6 ? `11.0.0.${peer}` : `99.0.0.${peer}`;
    this.fixture.announce(address, { swarm, event, left: does === "seed" ? 0 : 100, numWant: 0 });
    if (does === "stop") this.known.delete(`${swarm} ${peer}`);
    else this.known.set(`${swarm} ${peer}`, does === "seed");
    if (![...this.known.keys()].some((key) => key.startsWith(`${swarm} `))) this.vanished.add(swarm);
  }

  count(swarm: number): { copies: number; peers: number } {
    const inside = [...this.known].filter(([key]) => key.startsWith(`${swarm} `) && Number(key.slice(2)) < 6);
    return { copies: inside.filter(([, complete]) => complete).length, peers: inside.length };
  }

  /** Looks, while `during` goes on. @returns the swarms listed. */
  async list(during: () => void): Promise<number[]> {
    const now = () => {
      during();
      return this.now();
    };
    const rest = async () => during();
    await this.scanner.scan(this.settings, now, rest);
    during();
    const { hashes } = await this.scanner.confirm(this.settings, this.now, rest);
    return Array.from({ length: hashes.length / INFO_HASH_WORDS }, (_, i) => hashes[i * INFO_HASH_WORDS]);
  }
}

test("whatever happens while a list is made, no torrent is on it below the leave threshold", async () => {
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.array(change, { minLength: 1, maxLength: 100 }), async (all, meanwhile) => {
      const world = new World({ minDwell: 0 });
      let next = 0;
      for (const { changes, seconds } of all) {
        for (const each of changes) world.apply(each);
        world.fixture.clock.seconds += seconds;
        const listed = await world.list(() => {
          for (let i = 0; i < 5; i++) world.apply(meanwhile[next++ % meanwhile.length]);
        });
        for (const swarm of listed)
          assert.ok(world.count(swarm).copies >= SETTINGS.leaveComplete, `swarm ${swarm}`);
        checked += listed.length;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(checked > 100, "torrents do get onto the list");
});

test("a torrent enters when it has had enough for long enough, and stays until it has too few", async () => {
  let entered = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = new World();
      const since = new Map<number, number>();
      const expected = new Set<number>();
      for (const { changes, seconds } of all) {
        for (const each of changes) world.apply(each);
        world.fixture.clock.seconds += seconds;
        for (let swarm = 0; swarm < SWARMS; swarm++) {
          const { copies, peers } = world.count(swarm);
          if (world.vanished.delete(swarm)) {
            expected.delete(swarm);
            since.delete(swarm);
          }
          if (copies < SETTINGS.leaveComplete) expected.delete(swarm);
          if (copies < SETTINGS.minComplete || peers < SETTINGS.minPeers) since.delete(swarm);
          else if (!since.has(swarm)) since.set(swarm, world.now());
          if (world.now() - (since.get(swarm) ?? world.now()) >= SETTINGS.minDwell) expected.add(swarm);
        }
        assert.deepEqual(
          await world.list(() => {}),
          [...expected].sort((a, b) => a - b),
        );
        entered += expected.size;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(entered > 100, "torrents do get onto the list");
});

test("an excluded torrent is never listed, and no more than max_entries, the largest", async () => {
  const world = new World({
    minDwell: 0,
    maxEntries: 2,
    exclude: new AccessList(buildAccessList("deny", Uint32Array.of(3, 0, 0, 0, 0))),
  });
  for (let swarm = 0; swarm < 4; swarm++)
    for (let peer = 0; peer < 4 + Math.min(2, swarm); peer++) world.apply({ swarm, peer, does: "seed" });
  assert.deepEqual(await world.list(() => {}), [1, 2]);
  const found = await world.scanner.scan(world.settings, world.now, async () => {});
  assert.deepEqual(found, { lost: 0, stalled: 0, excluded: 1 });
  const { leftOut } = await world.scanner.confirm(world.settings, world.now, async () => {});
  assert.equal(leftOut, 1);
});

test("a list says who has its torrents, by group", async () => {
  const world = new World({ minDwell: 0 });
  for (const peer of [0, 1, 2]) world.apply({ swarm: 2, peer, does: "seed" });
  for (const peer of [3, 7]) world.apply({ swarm: 2, peer, does: "leech" });
  await world.list(() => {});
  const { rows, rowsAt } = await world.scanner.confirm(world.settings, world.now, async () => {});
  assert.deepEqual([...rowsAt], [0, 3]);
  assert.deepEqual([...rows], [GROUPS.groups[0].id, 3, 1]);
});

test("shards that are locked for a while are tried again, and their torrents stay on the list", async () => {
  const world = new World({ minDwell: 0 });
  const { store } = world.fixture;
  for (let peer = 0; peer < 4; peer++) world.apply({ swarm: 2, peer, does: "seed" });
  const lock = () => {
    for (let shard = 0; shard < store.shards; shard++) store.enterShard(shard);
  };
  let rests = 0;
  const unlockAfter = (wanted: number) => {
    rests = 0;
    return async () => {
      if (++rests !== wanted) return;
      for (let shard = 0; shard < store.shards; shard++) store.leave(shard);
    };
  };
  lock();
  await world.scanner.scan(world.settings, world.now, unlockAfter(5));
  assert.ok(rests >= 5);
  lock();
  const { hashes } = await world.scanner.confirm(world.settings, world.now, unlockAfter(5));
  assert.equal(rests, 5);
  assert.deepEqual([...hashes], [2, 0, 0, 0, 0]);
  // A shard that stays locked does not keep a list from being made.
  lock();
  await world.scanner.scan(world.settings, world.now, unlockAfter(1000));
  assert.ok(rests < 1000);
  assert.equal((await world.scanner.confirm(world.settings, world.now, unlockAfter(1000))).hashes.length, 0);
});
