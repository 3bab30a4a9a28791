import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { ACTIVITY, allocateActivity } from "../store/group-activity.ts";
import { CONTROL_PLANE } from "../store/shard-lock.ts";
import { allocateSwarmStore, type SwarmStoreData } from "../store/store-memory.ts";
import { StoredPeersReader } from "../store/stored-peers.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { BEFORE_ALL, type SwarmRow } from "./database.ts";
import { GroupTotals, HOUR } from "./group-totals.ts";
import { Saver } from "./saver.ts";
import { SqliteDatabase } from "./sqlite/sqlite-database.ts";
import { Storage } from "./storage.ts";

const KEPT = 600;
/** The one of them that has no peers. */
const INACTIVE = 2;
const NOTHING_HEARD = {
  loading: () => {},
  loaded: () => {},
  saved: () => {},
  replaced: () => {},
  failed: () => {},
  recovered: () => {},
  rescued: () => {},
  gaveUp: () => {},
};

function storageOf(
  url: string,
  store: SwarmStoreData,
  { activity = [], saveIntervalMs = 60_000, saved = () => {} }: StorageFacts = {},
): Storage {
  const options = {
    database: { url, user: "", password: null, schema: "", tls: false, tlsCa: null },
    store: new SwarmStore(store, CONTROL_PLANE),
    totals: new GroupTotals(activity),
    saveIntervalMs,
    required: false,
    autoUpgrade: true,
    inactiveSeconds: 1e9,
    inactiveLimit: 1e6,
  };
  return new Storage(options, { ...NOTHING_HEARD, saved });
}

interface StorageFacts {
  readonly activity?: readonly Float64Array[];
  readonly saveIntervalMs?: number;
  /** Called at the end of each save. */
  readonly saved?: () => void;
}

test("setting the clock makes no peer older and no pause longer", async (t) => {
  const base = await mkdtemp(join(tmpdir(), "btrt-storage-"));
  t.after(() => rm(base, { recursive: true }));
  const url = `sqlite:${join(base, "btrt.db")}`;
  const load = () => ({ groups: fixture.groups, peerExpiry: 3900, stallSeconds: 600 });
  const store = allocateSwarmStore(100_000, 2, [1, 2]);
  const fixture = new TrackerFixture({ store });
  fixture.clock.seconds = Math.floor(Date.now() / 1000);
  fixture.announce("11.0.0.1", { swarm: 1 });
  const setMs = 2 * 3600_000;
  const { now } = Date;
  t.mock.method(Date, "now", () => now() + setMs);
  const first = storageOf(url, store);
  await first.open(load);
  await first.stop();

  const database = await SqliteDatabase.open(join(base, "btrt.db"));
  const [{ peers }] = await database.readSwarms(BEFORE_ALL, 2, true);
  await database.close();
  const reader = new StoredPeersReader(peers);
  assert.ok(reader.next());
  assert.ok(reader.peer.age < 3600, `${reader.peer.age} seconds`);
  assert.ok(Math.abs(reader.time - Date.now() / 1000) < 3600);
});

test("a stop during a save writes what has been counted since the save began", async (t) => {
  const base = await mkdtemp(join(tmpdir(), "btrt-storage-"));
  t.after(() => rm(base, { recursive: true }));
  const path = join(base, "btrt.db");
  const activity = allocateActivity();
  const stopping = Promise.withResolvers<void>();
  let saves = 0;
  const saved = () => {
    if (++saves > 1) return;
    activity[ACTIVITY.announces] = 7;
    stopping.resolve(storage.stop());
  };
  const store = allocateSwarmStore(1000, 1, [1, 2]);
  const storage = storageOf(`sqlite:${path}`, store, { activity: [activity], saveIntervalMs: 50, saved });
  await storage.open(() => ({ groups: new TrackerFixture().groups, peerExpiry: 3900, stallSeconds: 600 }));
  storage.start();
  await stopping.promise;
  const database = await SqliteDatabase.open(path);
  t.after(() => database.close());
  const counted = (await database.readTotals(HOUR, 0)).map(({ counts }) => counts[ACTIVITY.announces]);
  assert.deepEqual(counted, [7]);
});

test("a save frees SQLite's cache when it has written everything", async (t) => {
  const base = await mkdtemp(join(tmpdir(), "btrt-storage-"));
  t.after(() => rm(base, { recursive: true }));
  const calls: string[] = [];
  const { writeSwarms, releaseMemory } = SqliteDatabase.prototype;
  t.mock.method(SqliteDatabase.prototype, "writeSwarms", function (this: SqliteDatabase, rows: SwarmRow[]) {
    calls.push("write");
    return writeSwarms.call(this, rows);
  });
  t.mock.method(SqliteDatabase.prototype, "releaseMemory", function (this: SqliteDatabase) {
    calls.push("release");
    releaseMemory.call(this);
  });
  const store = allocateSwarmStore(100_000, 2, [1, 2]);
  const fixture = new TrackerFixture({ store });
  fixture.announce("11.0.0.1", { swarm: 1 });
  const storage = storageOf(`sqlite:${join(base, "btrt.db")}`, store);
  await storage.open(() => ({ groups: fixture.groups, peerExpiry: 3900, stallSeconds: 600 }));
  await storage.stop();
  assert.deepEqual(calls, ["write", "release"]);
});

test("a save is complete when no swarm is left out, and soon tries again if one is", async (t) => {
  const base = await mkdtemp(join(tmpdir(), "btrt-storage-"));
  t.after(() => rm(base, { recursive: true }));
  const data = allocateSwarmStore(100_000, 2, [1, 2]);
  const fixture = new TrackerFixture({ store: data });
  for (let swarm = 0; swarm < KEPT; swarm++) fixture.announce("11.0.0.1", { swarm });
  const saves = new EventEmitter();
  const saved = () => saves.emit("saved");
  const storage = storageOf(`sqlite:${join(base, "btrt.db")}`, data, { saveIntervalMs: 1000, saved });
  await storage.open(() => ({ groups: fixture.groups, peerExpiry: 3900, stallSeconds: 600 }));
  // A worker that has lost its processor holds the shard during the first save.
  fixture.store.enterShard(0);
  const { save } = Saver.prototype;
  const results: boolean[] = [];
  const saver = t.mock.method(
    Saver.prototype,
    "save",
    async function (this: Saver, ...args: Parameters<typeof save>) {
      results.push(await save.call(this, ...args));
      assert.equal(storage.counters.savedAt, 0);
      if (results.length === 4) fixture.store.leave(0);
      return results.at(-1) ?? false;
    },
  );
  storage.start();
  await once(saves, "saved");
  assert.deepEqual(results, [false, false, false, false, true]);
  assert.equal(storage.counters.written, KEPT);
  assert.equal(storage.counters.failures, 0);
  saver.mock.restore();
  await storage.stop();
});

/**
 * Stops a tracker whose database comes right before, so that nothing of it has been loaded.
 * @param during what is announced before.
 * @returns the database.
 */
async function stopBeforeLoad(
  t: TestContext,
  during: (fixture: TrackerFixture) => void,
): Promise<SqliteDatabase> {
  const base = await mkdtemp(join(tmpdir(), "btrt-storage-"));
  t.after(() => rm(base, { recursive: true }));
  await mkdir(join(base, "there"));
  const before = await SqliteDatabase.open(join(base, "there/btrt.db"));
  await before.migrate();
  const kept = new TrackerFixture();
  kept.clock.seconds = Math.floor(Date.now() / 1000);
  for (let swarm = 0; swarm < KEPT; swarm++) kept.announce("11.0.0.1", { swarm });
  const saver = new Saver(kept.store, () => kept.clock.seconds);
  await saver.save(before, async () => {});
  kept.announce("11.0.0.1", { swarm: INACTIVE, event: ANNOUNCE_EVENT.stopped });
  await saver.save(before, async () => {});
  await before.close();

  const store = allocateSwarmStore(100_000, 2, [1, 2]);
  const fixture = new TrackerFixture({ store });
  fixture.clock.seconds = kept.clock.seconds;
  await writeFile(join(base, "place"), "no directory");
  const storage = storageOf(`sqlite:${join(base, "place/btrt.db")}`, store);
  await storage.open(() => ({ groups: fixture.groups, peerExpiry: 3900, stallSeconds: 600 }));
  during(fixture);
  await rm(join(base, "place"));
  await rename(join(base, "there"), join(base, "place"));
  await storage.stop();
  const after = await SqliteDatabase.open(join(base, "place/btrt.db"));
  t.after(() => after.close());
  return after;
}

test("a stop before loading is complete does not mark unloaded swarms as vanished", async (t) => {
  const after = await stopBeforeLoad(t, (fixture) => {
    // More than the rings hold: what vanished is to be looked for in the database.
    for (let swarm = KEPT; swarm < KEPT + 5000; swarm++) {
      fixture.announce("11.0.0.2", { swarm });
      fixture.announce("11.0.0.2", { swarm, event: ANNOUNCE_EVENT.stopped });
    }
    fixture.announce("11.0.0.2", { swarm: KEPT });
  });
  const { swarms, inactive } = await after.size();
  assert.deepEqual([swarms, inactive], [KEPT + 1, 1]);
});

test("a stop before loading is complete keeps the peers of torrents that were announced meanwhile", async (t) => {
  const after = await stopBeforeLoad(t, (fixture) => {
    // Two still are, and one was for a while.
    for (const swarm of [0, 1, INACTIVE])
      fixture.announce("11.0.0.2", { swarm, left: 0, event: ANNOUNCE_EVENT.completed });
    fixture.announce("11.0.0.2", { swarm: 1, event: ANNOUNCE_EVENT.stopped });
  });
  const rows = await after.readSwarms(BEFORE_ALL, KEPT + 1, true);
  const counts = rows.map(({ peers, downloaded }) => `${countPeers(peers)} peers, ${downloaded} downloads`);
  const changed = counts.filter((text) => text !== "1 peers, 0 downloads");
  assert.deepEqual(changed.sort(), ["1 peers, 1 downloads", "1 peers, 1 downloads", "2 peers, 1 downloads"]);
  assert.equal(rows.length, KEPT);
});

function countPeers(peers: Uint8Array): number {
  const reader = new StoredPeersReader(peers);
  let count = 0;
  while (reader.next()) count++;
  return count;
}
