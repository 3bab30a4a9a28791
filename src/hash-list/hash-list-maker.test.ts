import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildPeerGroups } from "../network/peer-groups.ts";
import { parsePrefix } from "../network/prefix.ts";
import { CONTROL_PLANE } from "../store/shard-lock.ts";
import { allocateSwarmStore } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { AccessList, buildAccessList } from "../tracker/access-list.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { entriesOf } from "./hash-list.ts";
import { HashListMaker } from "./hash-list-maker.ts";
import type { HashListSettings } from "./settings.ts";

const GROUPS = buildPeerGroups([
  { name: "home", priority: 0, prefixes: [parsePrefix("11.0.0.0/8").prefix], reachableFrom: [] },
]);

/** A maker over a store in which torrent 1 has two complete copies inside. */
function make(t: TestContext, settings: Partial<HashListSettings> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "btrt-maker-"));
  const store = allocateSwarmStore(1000, 2, [1, 2]);
  const fixture = new TrackerFixture({ store });
  for (const address of ["11.0.0.1", "11.0.0.2"]) fixture.announce(address, { swarm: 1, left: 0 });
  const failures: unknown[] = [];
  const path = join(directory, "list");
  const all: HashListSettings = {
    path,
    formats: ["text"],
    interval: 600,
    minComplete: 2,
    leaveComplete: 1,
    minPeers: 2,
    minDwell: 0,
    tiers: 1,
    maxEntries: 10,
    exclude: new AccessList(buildAccessList("deny", new Uint32Array(0))),
    dryRun: false,
    ...settings,
  };
  const maker = new HashListMaker(new SwarmStore(store, CONTROL_PLANE), all, GROUPS, {
    changed: () => {},
    failed: (error) => failures.push(error),
  });
  t.after(async () => {
    await maker.stop();
    rmSync(directory, { recursive: true });
  });
  return { maker, failures, directory, all, text: () => readFileSync(`${path}.txt`, "utf8") };
}

const HEX = `00000001${"0".repeat(32)}`;

test("a list is made at once, written, and emptied at a clean stop", async (t) => {
  const { maker, text, failures } = make(t);
  maker.start();
  const list = await maker.now();
  assert.equal(entriesOf(list), 1);
  assert.equal(list.validUntil - list.checkedAt, 1_200_000, "twice the interval");
  assert.equal(text(), `${HEX}\n`);
  await maker.stop();
  assert.equal(text(), "");
  assert.equal(entriesOf(await maker.now()), 0, "nor is one made any more");
  assert.equal(text(), "");
  assert.deepEqual(failures, []);
  const { entries, entered, left } = maker.counts;
  assert.deepEqual([entries, entered, left], [0, 1, 0]);
});

test("dry_run counts and writes nothing; a reload into it empties what was written", async (t) => {
  const { maker, text, directory, all } = make(t, { dryRun: true });
  maker.start();
  assert.equal(entriesOf(await maker.now()), 1);
  assert.deepEqual(readdirSync(directory), []);
  await maker.adopt({ ...all, dryRun: false }, GROUPS);
  assert.equal(text(), `${HEX}\n`);
  await maker.adopt(all, GROUPS);
  assert.equal(text(), "");
  assert.equal(maker.counts.entries, 1);
});

test("another path or other formats take the old files' torrents off", async (t) => {
  const { maker, text, directory, all } = make(t);
  maker.start();
  await maker.now();
  await maker.adopt({ ...all, path: join(directory, "other"), formats: ["binary"] }, GROUPS);
  assert.equal(text(), "");
  assert.equal(readFileSync(join(directory, "other.bin"), "hex"), HEX);
  await maker.adopt({ ...all, path: null }, GROUPS);
  assert.equal(readFileSync(join(directory, "other.bin"), "hex"), "");
});

test("a list that cannot be written is counted, and made nevertheless", async (t) => {
  const { maker, failures } = make(t, { path: "/proc/none/list" });
  maker.start();
  assert.equal(entriesOf(await maker.now()), 1);
  assert.ok(failures.length > 0);
  assert.deepEqual([maker.counts.failures, maker.counts.failing], [failures.length, true]);
});

test("a clock that is set lets no torrent in before it has dwelt", async (t) => {
  const { maker } = make(t, { minDwell: 3600 });
  maker.start();
  assert.equal(entriesOf(await maker.now()), 0);
  const { now } = Date;
  t.mock.method(Date, "now", () => now() + 2 * 3600_000);
  assert.equal(entriesOf(await maker.now()), 0);
});
