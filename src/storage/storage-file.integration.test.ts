import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, open, readdir, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "../../test/support/bed.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { ACTIVITY_WIDTH, allocateActivity } from "../store/group-activity.ts";
import { CONTROL_PLANE } from "../store/shard-lock.ts";
import { allocateSwarmStore } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { BEFORE_ALL } from "./database.ts";
import type { LastReplacement } from "./file-replacements.ts";
import { GroupTotals, HOUR } from "./group-totals.ts";
import { SqliteDatabase } from "./sqlite/sqlite-database.ts";
import { Storage, type StorageObserver } from "./storage.ts";

const SWARMS = 300;
/** Of them, those that are over before the harm: only the database has their counts. */
const INACTIVE = 40;

/** A tracker's storage over a file that is harmed while it runs. */
class Harmed {
  readonly path: string;
  readonly store = allocateSwarmStore(100_000, 2, [1, 2]);
  readonly fixture = new TrackerFixture({ store: this.store });
  readonly activity = allocateActivity();
  readonly replacements: LastReplacement[] = [];
  readonly failures: unknown[] = [];
  readonly gaveUp: unknown[] = [];
  readonly rescued: string[] = [];
  readonly storage: Storage;
  saves = 0;

  constructor(path: string, saveIntervalMs = 50) {
    this.path = path;
    this.fixture.clock.seconds = Math.floor(Date.now() / 1000);
    const observer: StorageObserver = {
      loading: () => {},
      loaded: () => {},
      saved: () => {
        this.saves++;
      },
      replaced: (replacement) => this.replacements.push(replacement),
      failed: (error) => this.failures.push(error),
      recovered: () => {},
      gaveUp: (error) => this.gaveUp.push(error),
      rescued: (path) => this.rescued.push(path),
    };
    const options = {
      database: { url: `sqlite:${path}`, user: "", password: null, schema: "", tls: false, tlsCa: null },
      store: new SwarmStore(this.store, CONTROL_PLANE),
      totals: new GroupTotals([this.activity]),
      saveIntervalMs,
      required: false,
      autoUpgrade: true,
      inactiveSeconds: 1e9,
      inactiveLimit: 1e6,
    };
    this.storage = new Storage(options, observer);
  }

  async open(): Promise<void> {
    await this.storage.open(() => ({ groups: this.fixture.groups, peerExpiry: 3900, stallSeconds: 600 }));
  }

  announce(swarm: number, stopped = false): void {
    this.fixture.announce("11.0.0.1", {
      swarm,
      left: 0,
      event: stopped ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.completed,
    });
  }

  /** @returns how many attempts to save have failed meanwhile. */
  async stop(): Promise<number> {
    const before = this.failures.length;
    await this.storage.stop();
    return this.failures.length - before;
  }

  /** Waits until what was announced before is saved. */
  async saved(): Promise<void> {
    const { saves } = this;
    await until("all is saved", () => this.saves >= saves + 2);
  }
}

async function start(t: TestContext): Promise<Harmed> {
  const base = await mkdtemp(join(tmpdir(), "btrt-file-"));
  const harmed = new Harmed(join(base, "deep/btrt.db"));
  t.after(async () => {
    // It saves once more.
    await harmed.storage.stop();
    await rm(base, { recursive: true, force: true });
  });
  await harmed.open();
  for (let swarm = 0; swarm < SWARMS; swarm++) harmed.announce(swarm);
  harmed.activity.fill(1, 0, ACTIVITY_WIDTH);
  harmed.storage.start();
  await harmed.saved();
  for (let swarm = 0; swarm < INACTIVE; swarm++) harmed.announce(swarm, true);
  await harmed.saved();
  return harmed;
}

/** Checks what a file has after the stop. */
async function assertHas(path: string, swarms: number, inactive: number, announces = 2): Promise<void> {
  const database = await SqliteDatabase.open(path);
  try {
    const size = await database.size();
    assert.deepEqual([size.swarms, size.inactive], [swarms, inactive]);
    for (const row of await database.readSwarms(BEFORE_ALL, 1000, false)) assert.equal(row.downloaded, 1);
    const hours = await database.readTotals(HOUR, 0);
    assert.equal(
      hours.reduce((sum, { counts }) => sum + counts[0], 0),
      announces,
    );
  } finally {
    await database.close();
  }
}

/** Each in one turn, so that storage does not come in between. */
const HARM: [string, (path: string) => unknown][] = [
  ["deleted", (path) => rmSync(path)],
  ["deleted with its logs", (path) => ["", "-wal", "-shm", ".lock"].map((end) => rmSync(path + end))],
  ["renamed", (path) => renameSync(path, `${path}.away`)],
  ["deleted with its directory", (path) => rmSync(dirname(path), { recursive: true })],
  ["replaced by an empty file", (path) => [writeFileSync(`${path}.x`, ""), renameSync(`${path}.x`, path)]],
  ["replaced by a link that leads nowhere", (path) => [rmSync(path), symlinkSync("elsewhere.db", path)]],
  ["replaced by another database of ours", replaceByAnother],
];

async function replaceByAnother(path: string): Promise<void> {
  const other = await SqliteDatabase.open(`${path}.other`);
  await other.migrate();
  const facts = { firstSeen: 1, lastSeen: 1, downloaded: 77 };
  await other.writeSwarms([{ infoHash: new Uint8Array(20).fill(9), ...facts, peers: Uint8Array.of(1) }]);
  await other.close();
  await rename(`${path}.other`, path);
}

for (const [harm, inflict] of HARM) {
  test(`a file that is ${harm} is written again, with all its rows`, async (t) => {
    const harmed = await start(t);
    await inflict(harmed.path);
    harmed.announce(SWARMS);
    harmed.activity.fill(2, 0, ACTIVITY_WIDTH);
    await until("the new file", () => harmed.replacements.length === 1);
    await harmed.saved();
    // As if the process died now.
    await assertHas(harmed.path, SWARMS + 1, INACTIVE);
    await harmed.storage.stop();
    assert.deepEqual(harmed.gaveUp, []);
    assert.deepEqual(harmed.failures, []);
    const [{ cause, isWhole, swarms, totals, keptAs }] = harmed.replacements;
    assert.deepEqual([cause, isWhole, totals], ["moved", true, 3]);
    assert.ok(swarms >= SWARMS);
    await assertHas(harmed.path, SWARMS + 1, INACTIVE);
    const left = await readdir(dirname(harmed.path));
    assert.deepEqual(
      left.filter((name) => /rewritten|-wal|-shm/.test(name) && !/replaced/.test(name)),
      [],
    );
    if (keptAs !== null) assert.ok(left.includes(basename(keptAs)));
  });
}

test("a file that is deleted right before the stop is written again", async (t) => {
  const harmed = await start(t);
  await harmed.saved();
  await rm(harmed.path);
  await harmed.storage.stop();
  await assertHas(harmed.path, SWARMS, INACTIVE, 1);
});

test("a renamed file is complete under its new name", async (t) => {
  const harmed = await start(t);
  await rename(harmed.path, `${harmed.path}.away`);
  await until("the new file", () => harmed.replacements.length === 1);
  await harmed.storage.stop();
  await assertHas(`${harmed.path}.away`, SWARMS, INACTIVE, 1);
});

const DAMAGE: [string, (path: string) => Promise<unknown>][] = [
  ["cut to nothing", (path) => truncate(path, 0)],
  ["cut", (path) => truncate(path, 8192)],
  ["overwritten with a text", async (path) => writeFile(path, Buffer.alloc((await stat(path)).size, "x"))],
];

for (const [damage, inflict] of DAMAGE) {
  test(`a file that is ${damage} while it is open is replaced, and the swarms in memory are written to the new file`, async (t) => {
    const harmed = await start(t);
    // So that the file has all, and not the log.
    const other = await SqliteDatabase.open(harmed.path);
    await other.checkpoint();
    await other.close();
    await harmed.saved();
    await inflict(harmed.path);
    harmed.announce(SWARMS);
    await until("the new file", () => harmed.replacements.length >= 1);
    await harmed.saved();
    await harmed.storage.stop();
    assert.deepEqual(harmed.gaveUp, []);
    assert.deepEqual(
      harmed.replacements.map(({ cause }) => cause),
      ["corrupt"],
    );
    const database = await SqliteDatabase.open(harmed.path);
    t.after(() => database.close());
    const live = await database.readSwarms(BEFORE_ALL, 1000, true);
    assert.equal(live.length, SWARMS - INACTIVE + 1);
    for (const { downloaded } of live) assert.equal(downloaded, 1);
  });
}

test("another program's file at the path is not changed, is reported, and ends a stop at once", {
  timeout: 300_000,
}, async (t) => {
  for (const put of [mkdirSync, (path: string) => writeFileSync(path, "my notes\n")]) {
    const harmed = await start(t);
    // In one turn, so that storage does not come in between.
    rmSync(harmed.path);
    put(harmed.path);
    await until("the failure", () => harmed.failures.length > 0);
    assert.match(harmed.storage.failure ?? "", /not a database of btrt/);
    harmed.announce(SWARMS);
    const before = await stat(harmed.path);
    const failures = await harmed.stop();
    assert.ok(failures <= 2, `${failures} attempts: the last that was under way, and that of the stop`);
    assert.equal((await stat(harmed.path)).ino, before.ino);
    assert.equal(harmed.gaveUp.length, 1);
    const rescued = harmed.rescued.map((path) => [
      dirname(path),
      /^btrt\.db\.rescued-\w+$/.test(basename(path)),
    ]);
    assert.deepEqual(rescued, [[dirname(harmed.path), true]]);
    await assertHas(harmed.rescued[0], SWARMS + 1, INACTIVE, 1);
  }
});

test("another program's file that disappears again is no obstacle", async (t) => {
  const harmed = await start(t);
  rmSync(harmed.path);
  mkdirSync(harmed.path);
  await until("the failure", () => harmed.failures.length > 0);
  harmed.announce(SWARMS);
  await rm(harmed.path, { recursive: true });
  await until("the new file", () => harmed.replacements.length === 1);
  await harmed.storage.stop();
  await assertHas(harmed.path, SWARMS + 1, INACTIVE, 1);
});

test("the file of another tracker at the path belongs to that tracker", async (t) => {
  const harmed = await start(t);
  for (const end of ["", "-wal", "-shm", ".lock"]) rmSync(harmed.path + end);
  const other = await SqliteDatabase.open(harmed.path);
  await other.migrate();
  await other.claim();
  await until("the failure", () => harmed.failures.length > 0);
  assert.match(harmed.storage.failure ?? "", /another process is using it/);
  const facts = { firstSeen: 1, lastSeen: 1, downloaded: 1 };
  await other.writeSwarms([{ infoHash: new Uint8Array(20), ...facts, peers: Uint8Array.of(1) }]);
  await other.close();
  await until("the new file", () => harmed.replacements.length === 1);
  await harmed.storage.stop();
  await assertHas(String(harmed.replacements[0].keptAs), 1, 0, 0);
  await assertHas(harmed.path, SWARMS, INACTIVE, 1);
});

test("a path where no file can be ends a stop at once", { timeout: 300_000 }, async () => {
  const harmed = new Harmed("/proc/nope/db");
  await harmed.open();
  harmed.storage.start();
  await until("some attempts", () => harmed.failures.length > 1);
  const failures = await harmed.stop();
  assert.ok(failures <= 2, `${failures} attempts: the last that was under way, and that of the stop`);
  assert.equal(harmed.gaveUp.length, 1);
});

test("a damaged page loses its own torrents, and deleted ones do not come back", async (t) => {
  const harmed = await start(t);
  await harmed.storage.stop();
  const page = Buffer.alloc(4096, 7);
  const file = await open(harmed.path, "r+");
  // One of the last pages: it has swarms or totals.
  const { size } = await file.stat();
  await file.write(page, 0, 4096, size - 4096);
  await file.close();
  const next = new Harmed(harmed.path);
  await next.open();
  const [{ cause, swarms, keptAs }] = next.replacements;
  assert.equal(cause, "corrupt");
  assert.ok(swarms >= SWARMS - 100 && swarms < SWARMS, `${swarms}`);
  assert.equal((await stat(String(keptAs))).size, size);
  await next.storage.stop();
  assert.deepEqual(next.gaveUp, []);
});
