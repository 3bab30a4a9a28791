/** SQLite files that have other names, are deleted, belong to another program, or cannot exist. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

function configOf(url: string, keys: object = {}): string {
  const database = JSON.stringify({ url, save_interval: 1, ...keys });
  return `workers: 1\nlisten: { http: ["127.0.0.1:0"], udp: [] }\nadmin: { listen: "127.0.0.1:0" }\ndatabase: ${database}\n`;
}

/** Runs a command with its own configuration. */
async function btrt(bed: Bed, config: string, ...args: string[]): Promise<{ code: unknown; err: string }> {
  const path = bed.path(`${randomBytes(4).toString("hex")}.conf`);
  await writeFile(path, config);
  const running = runBtrt(bed, [...args, "--config", path]);
  const code = await running.ended;
  return { code, err: running.stderr };
}

async function fill(url: string): Promise<Uint8Array> {
  const infoHash = randomBytes(20);
  for (let port = 7001; port <= 7003; port++)
    await announce(url, { infoHash, port, left: 0, event: "completed" });
  return infoHash;
}

const COUNTS = { complete: 3, incomplete: 0, downloaded: 3 };

async function start(
  t: TestContext,
): Promise<{ bed: Bed; tracker: TrackerProcess; path: string; config: string }> {
  const bed = await Bed.open(t);
  const path = bed.path("var/btrt.db");
  const config = configOf(`sqlite:${path}`);
  const tracker = await TrackerProcess.start(bed, config);
  return { bed, tracker, path, config };
}

test("a second tracker on one file is refused under any of its names", { timeout: 300_000 }, async (t) => {
  const { bed, tracker, path } = await start(t);
  const infoHash = await fill(tracker.url);
  await mkdir(bed.path("other"));
  await symlink(path, bed.path("other/symbolic.db"));
  await link(path, bed.path("other/hard.db"));
  await symlink(bed.path("var"), bed.path("other/var"));
  for (const name of ["other/symbolic.db", "other/hard.db", "other/var/btrt.db", "var/../var/btrt.db"]) {
    const { code, err } = await btrt(bed, configOf(`sqlite:${bed.directory}/${name}`), "run");
    assert.equal(code, 1, name);
    assert.match(err, /^btrt: database: [^\n]*another process is using it[^\n]*\n$/, name);
  }
  assert.deepEqual(await scrape(tracker.url, infoHash), COUNTS);
  assert.equal(await tracker.stop(), 0);
});

test("a file that is deleted, renamed or lost with its directory is written again, and nothing is lost", {
  timeout: 300_000,
}, async (t) => {
  const { bed, tracker, path, config } = await start(t);
  const swarms = [await fill(tracker.url)];
  const harms = [
    () => rm(path),
    () => rename(path, bed.path("away.db")),
    () => rm(dirname(path), { recursive: true }),
  ];
  for (const harm of harms) {
    const before = tracker.log.length;
    await until("there is a file", () => existsSync(path));
    await harm();
    swarms.push(await fill(tracker.url));
    await tracker.logged(
      "the new file",
      ({ msg, level }) => level === "critical" && /removed or replaced/.test(msg),
      before,
    );
  }
  const state = async () => (await askStatus(tracker.admin)).database;
  await until("the new file can be used", async () => (await state()).failure === null);
  const { replacements, lastReplacement } = await state();
  assert.equal(replacements, harms.length);
  assert.match(lastReplacement?.reason ?? "", /not there any more/);
  await rm(path);
  assert.equal(await tracker.stop(), 0);
  const next = await TrackerProcess.start(bed, config);
  for (const infoHash of swarms) assert.deepEqual(await scrape(next.url, infoHash), COUNTS);
  assert.equal(await next.stop(), 0);
});

test("a configuration, and whatever else is not ours, is refused as a database and stays as it is", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const config = configOf(`sqlite:${bed.path("own.conf")}`);
  await writeFile(bed.path("own.conf"), config);
  await writeFile(bed.path("noise"), randomBytes(20_000));
  await mkdir(bed.path("directory"));
  const before = (await readdir(bed.directory)).sort();
  for (const args of [
    ["run"],
    ["check", "--database"],
    ["db", "create"],
    ["db", "status"],
    ["db", "upgrade"],
  ]) {
    for (const [name, what] of [
      ["own.conf", "a text file"],
      ["noise", "no SQLite database"],
      ["directory", "a directory"],
    ]) {
      const { code, err } = await btrt(bed, configOf(`sqlite:${bed.path(name)}`), ...args);
      assert.equal(code, 1);
      assert.match(
        err,
        new RegExp(`^btrt: database: [^\\n]*this is ${what}[^\\n]*database\\.url[^\\n]*\\n$`),
      );
    }
  }
  assert.equal(await readFile(bed.path("own.conf"), "utf8"), config);
  assert.deepEqual((await readdir(bed.directory)).filter((name) => before.includes(name)).sort(), before);
  assert.deepEqual(
    (await readdir(bed.directory)).filter((name) => /damaged|lock|wal/.test(name)),
    [],
  );
});

test("a path that can never be opened is an error at once, and no obstacle to a stop", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const never = "sqlite:/proc/nope/db";
  for (const args of [["run"], ["check", "--database"], ["db", "create"]]) {
    const { code, err } = await btrt(bed, configOf(never), ...args);
    assert.equal(code, 1);
    assert.match(
      err,
      /^\S+ (database\.url: )?[^\n]*\/proc\/nope\/db[^\n]*no file can be made or opened there[^\n]*\n$/,
    );
  }
  const tracker = await TrackerProcess.start(bed, configOf(never, { required: false }));
  const isSaid = ({ level, reason }: { level: string; reason?: unknown }) =>
    level === "error" && /no file can be made or opened there/.test(String(reason));
  await tracker.logged("the failure", isSaid);
  await fill(tracker.url);
  assert.equal(await tracker.stop(), 0);
});
