import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { BEFORE_ALL, DatabaseError } from "../database.ts";
import { tryPlace } from "./place.ts";
import { replaceDamaged } from "./replace-file.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

const MKFIFO = "mkfifo";

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "btrt-place-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

/** Everything in a directory, with what is in it. */
function contents(directory: string): unknown[] {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const stats = lstatSync(path);
      return [name, stats.isFile() ? readFileSync(path, "base64") : `mode ${stats.mode}`];
    });
}

function makeSqlite(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

const FOREIGN: [what: string, says: RegExp, make: (path: string, t: TestContext) => unknown][] = [
  ["a text", /a text file/, (path) => writeFile(path, 'listen: { http: ["127.0.0.1:80"] }\n')],
  ["a long text", /a text file/, (path) => writeFile(path, "x".repeat(300_000))],
  ["a short text", /a text file/, (path) => writeFile(path, "x")],
  ["text cut in a character", /a text file/, (path) => writeFile(path, "é".repeat(5000))],
  ["anything", /no SQLite database/, (path) => writeFile(path, randomBytes(300_000))],
  ["zeros", /no SQLite database/, (path) => writeFile(path, Buffer.alloc(8192))],
  ["a header alone", /no SQLite database|text file/, (path) => writeFile(path, "SQLite format 3\0")],
  ["a directory", /a directory/, (path) => mkdir(path)],
  ["a pipe", /a named pipe/, (path) => execFileSync(MKFIFO, [path])],
  ["a device", /a device/, (path) => symlink("/dev/null", path)],
  ["a socket", /a socket/, listenAt],
  [
    "another program's",
    /another program.*"bookmark"/,
    (path) => makeSqlite(path, "CREATE TABLE bookmark (a)"),
  ],
  [
    "another program's, with a log",
    /another program.*"bookmark"/,
    (path) => makeSqlite(path, "PRAGMA journal_mode = WAL; CREATE TABLE bookmark (a)"),
  ],
  [
    "another program's without tables",
    /another program.*77/,
    (path) => makeSqlite(path, "PRAGMA application_id = 77; CREATE TABLE a (b); DROP TABLE a"),
  ],
  ["a text beside the log of a database", /file: this is a text file/, makeTextBesideLog],
  [
    "a log that is none",
    /-wal: this is not a file of SQLite/,
    (path) => writeFile(`${path}-wal`, "my notes"),
  ],
  ["a log that is a directory", /-wal: this is a directory/, (path) => mkdir(`${path}-wal`)],
  ["an index that is none", /-shm: this is not a file/, (path) => writeFile(`${path}-shm`, "my notes")],
  [
    "a journal that is none",
    /-journal: this is not a file/,
    (path) => writeFile(`${path}-journal`, "my notes"),
  ],
];

async function makeTextBesideLog(path: string): Promise<void> {
  const database = await SqliteDatabase.open(path);
  await database.migrate();
  const facts = { firstSeen: 1, lastSeen: 2, downloaded: 3 };
  await database.writeSwarms([{ infoHash: new Uint8Array(20), ...facts, peers: BEFORE_ALL }]);
  const log = readFileSync(`${path}-wal`);
  await database.close();
  await rm(path);
  await writeFile(path, "my notes");
  await writeFile(`${path}-wal`, log);
}

async function listenAt(path: string, t: TestContext): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
}

for (const [what, says, make] of FOREIGN) {
  test(`a file of another program is refused and not changed: ${what}`, async (t) => {
    const directory = await makeDirectory(t);
    const path = join(directory, "file");
    await make(path, t);
    const before = contents(directory);
    await assert.rejects(SqliteDatabase.open(path), (error) => {
      assert.ok(error instanceof DatabaseError);
      assert.equal(error.failure, "foreign", error.message);
      assert.match(error.message, says);
      assert.match(error.message, /database\.url/);
      return true;
    });
    assert.deepEqual(contents(directory), before);
  });
}

test("an invalid lock file is refused", async (t) => {
  const path = join(await makeDirectory(t), "btrt.db");
  await writeFile(`${path}.lock`, "my notes");
  const database = await SqliteDatabase.open(path);
  t.after(() => database.close());
  await assert.rejects(database.claim(), /this is no lock of a database/);
  assert.equal(readFileSync(`${path}.lock`, "utf8"), "my notes");
});

test("an empty file, a file without tables and a file of an earlier version are accepted", async (t) => {
  const directory = await makeDirectory(t);
  await writeFile(join(directory, "empty"), "");
  makeSqlite(join(directory, "tables"), "CREATE TABLE a (b); DROP TABLE a");
  makeSqlite(join(directory, "earlier"), "CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY)");
  await symlink(join(directory, "target"), join(directory, "dangling"));
  for (const name of ["empty", "tables", "earlier", "dangling"])
    await (await SqliteDatabase.open(join(directory, name))).close();
  assert.ok(lstatSync(join(directory, "dangling")).isSymbolicLink());
  assert.ok(lstatSync(join(directory, "target")).isFile());
});

test("our file with a destroyed header is recognized by its rows", async (t) => {
  const path = join(await makeDirectory(t), "btrt.db");
  const database = await SqliteDatabase.open(path);
  await database.migrate();
  const facts = { firstSeen: 1, lastSeen: 2, downloaded: 3 };
  await database.writeSwarms([{ infoHash: new Uint8Array(20).fill(7), ...facts, peers: Uint8Array.of(1) }]);
  await database.close();
  const bytes = readFileSync(path);
  await writeFile(path, bytes.fill("x", 0, 4096));
  const isCorrupt = (error: unknown) => error instanceof DatabaseError && error.failure === "corrupt";
  await assert.rejects(SqliteDatabase.open(path), isCorrupt);
  const { replacement, database: salvaged } = await replaceDamaged(path, "now");
  t.after(() => salvaged.close());
  const { keptAs, swarms } = replacement;
  assert.deepEqual([keptAs, swarms], [`${path}.damaged-now`, 1]);
  assert.deepEqual(readFileSync(`${path}.damaged-now`), bytes);
  assert.equal((await salvaged.readSwarms(BEFORE_ALL, 9, true)).length, 1);
});

test("a damaged file that is in use is not changed", async (t) => {
  const path = join(await makeDirectory(t), "btrt.db");
  const database = await SqliteDatabase.open(path);
  t.after(() => database.close());
  await database.claim();
  await assert.rejects(replaceDamaged(path, "now"), /another process is using it/);
  assert.equal(await database.version(), 0);
});

test("a path where no file can ever be is reported at once, and differs from a temporary failure", {
  timeout: 120_000,
}, async (t) => {
  const directory = await makeDirectory(t);
  await writeFile(join(directory, "file"), "");
  await symlink("loop", join(directory, "loop"));
  const places = [
    "/proc/nope/db",
    "/proc/db",
    "/proc/self/fd/db",
    "/sys/nope/deep/db",
    join(directory, "file/db"),
    join(directory, "file/deep/db"),
    join(directory, "loop/db"),
    join(directory, "loop"),
    join(directory, "x".repeat(300), "db"),
    join(directory, "x".repeat(300)),
  ];
  const isMisplaced = (error: unknown) => {
    assert.ok(error instanceof DatabaseError);
    assert.equal(error.failure, "misplaced", error.message);
    return true;
  };
  for (const path of places) {
    await assert.rejects(SqliteDatabase.open(path), isMisplaced, path);
    if (!path.includes("xxx")) assert.throws(() => tryPlace(path), isMisplaced, path);
  }
  tryPlace(join(directory, "deep/er/db"));
  assert.deepEqual(readdirSync(directory).sort(), ["file", "loop"]);
});
