/** The data that survives a restart; and a database that is unavailable, full, read-only, damaged or in use. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DAY, FIVE_MINUTES, HOUR } from "../../src/storage/group-totals.ts";
import { SqliteDatabase } from "../../src/storage/sqlite/sqlite-database.ts";
import { ACTIVITY } from "../../src/store/group-activity.ts";
import { announce, type Counts, scrape } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { MARIADB_PASSWORD, MariaDb } from "../support/mariadb.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const LISTEN = 'workers: 2\nlisten: { http: ["127.0.0.1:0"], udp: [] }\n';
const MOUNT = "mount";

function database(keys: object): string {
  return `database: ${JSON.stringify({ save_interval: 1, ...keys })}\n`;
}

async function btrt(bed: Bed, ...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const running = runBtrt(bed, [...args, "--config", bed.path("btrt.conf")]);
  const code = await running.ended;
  return { code, out: running.stdout, err: running.stderr };
}

/** Announces some peers to a torrent, of which two are complete. @returns its counts. */
async function fillSwarm(url: string, infoHash: Uint8Array): Promise<Counts> {
  for (let port = 7001; port <= 7005; port++) {
    const completed = port <= 7002 ? ({ left: 0, event: "completed" } as const) : {};
    await announce(url, { infoHash, port, ...completed });
  }
  return { complete: 2, incomplete: 3, downloaded: 2 };
}

/** Kills the tracker, starts another one, and checks its data. */
async function assertSurvives(
  bed: Bed,
  tracker: TrackerProcess,
  config: string,
  swarms: readonly Uint8Array[],
  counts: Counts,
): Promise<void> {
  await tracker.process.stop("SIGKILL");
  const next = await TrackerProcess.start(bed, config);
  for (const infoHash of swarms) assert.deepEqual(await scrape(next.url, infoHash), counts);
  assert.equal(await next.stop(), 0);
}

/** Waits until everything is in the database. */
async function saved(bed: Bed, swarms: number): Promise<void> {
  await until(`${swarms} swarms are saved`, async () => {
    const { out } = await btrt(bed, "db", "status");
    return new RegExp(`^swarms +${swarms}$`, "m").test(out);
  });
}

test("a clean stop saves everything at once; what is old is left out, and ages go on", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const config = `${LISTEN}tracker: { interval: 30, min_interval: 10, peer_expiry: 60 }\n${database({ save_interval: 3600 })}`;
  const tracker = await TrackerProcess.start(bed, config);
  const infoHash = randomBytes(20);
  const counts = await fillSwarm(tracker.url, infoHash);
  assert.equal(await tracker.stop(), 0);
  const next = await TrackerProcess.start(bed, config);
  const { swarms, peers } = await next.logged("the loading", ({ msg }) => msg === "swarms are loaded");
  assert.deepEqual([swarms, peers], [1, 5]);
  assert.deepEqual(await scrape(next.url, infoHash), counts);
  assert.equal((await announce(next.url, { infoHash, port: 9 })).peers.length, 5);
  await announce(next.url, { infoHash, port: 9, event: "stopped" });
  await next.stop();
  // As after a long time: the rows have the time at which they were written.
  const exported = bed.path("swarms");
  assert.equal((await btrt(bed, "db", "export", exported)).code, 0);
  const lines = (await readFile(exported, "utf8")).split("\n");
  const swarm = JSON.parse(lines[1]);
  const bytes = Buffer.from(swarm.peers, "base64");
  bytes.writeUInt32BE(bytes.readUInt32BE(1) - 61, 1);
  lines[1] = JSON.stringify({ ...swarm, peers: bytes.toString("base64") });
  await writeFile(exported, lines.join("\n"));
  const imported = await btrt(bed, "db", "import", exported);
  assert.deepEqual([imported.code, imported.err], [0, ""]);
  assert.match(imported.out, /btrt\.db: 1 torrent and [1-9]\d* totals imported\n$/);
  const late = await TrackerProcess.start(bed, config);
  assert.deepEqual(await scrape(late.url, infoHash), { complete: 0, incomplete: 0, downloaded: 0 });
  await announce(late.url, { infoHash, port: 7, left: 0, event: "completed" });
  await late.stop();
  const last = await TrackerProcess.start(bed, config);
  assert.deepEqual(await scrape(last.url, infoHash), { complete: 1, incomplete: 0, downloaded: 3 });
});

test("totals of each group go on after a restart", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const groups = `peer_groups:
  - { name: near, priority: 0, cidr_list: [127.0.1.0/24], reachable_from: [far] }
  - { name: far, priority: 5, cidr_list: [127.0.2.0/24] }\n`;
  const config = LISTEN + groups + database({});
  const infoHash = randomBytes(20);
  for (let run = 0; run < 2; run++) {
    const tracker = await TrackerProcess.start(bed, config);
    const near = { infoHash, port: 7001, from: "127.0.1.1" };
    await announce(tracker.url, { ...near, event: "started" });
    await announce(tracker.url, { ...near, downloaded: 3 * 2 ** 20, uploaded: 2 ** 20 });
    await announce(tracker.url, { ...near, downloaded: 4 * 2 ** 20, uploaded: 2 ** 20 });
    await announce(tracker.url, { infoHash, port: 2, from: "127.0.2.1" });
    await announce(tracker.url, { infoHash, port: 2, from: "127.0.2.1", event: "stopped" });
    await tracker.stop();
  }
  const kept = await SqliteDatabase.open(bed.path("var/btrt.db"));
  t.after(() => kept.close());
  for (const span of [FIVE_MINUTES, HOUR, DAY]) {
    const totals = await kept.readTotals(span, 0);
    const sum = (group: string, at: number) =>
      totals.filter((total) => total.group === group).reduce((all, { counts }) => all + counts[at], 0);
    assert.deepEqual([sum("near", ACTIVITY.announces), sum("far", ACTIVITY.announces)], [6, 4]);
    assert.equal(sum("near", ACTIVITY.downloaded), 8 * 2 ** 20);
    assert.equal(sum("near", ACTIVITY.uploaded), 2 * 2 ** 20);
    assert.deepEqual([sum("far", ACTIVITY.returned), sum("near", ACTIVITY.returned)], [2, 0]);
  }
});

test("a second tracker on the same file is refused; looking is not", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, LISTEN + database({}));
  await fillSwarm(tracker.url, randomBytes(20));
  await saved(bed, 1);
  const refusal = /^btrt: database: .*btrt\.db: another process is using it[^\n]*\n$/;
  for (const args of [["run"], ["db", "upgrade"], ["db", "import", bed.path("x")]]) {
    const { code, err } = await btrt(bed, ...args);
    assert.equal(code, 1);
    assert.match(err, refusal);
  }
  assert.equal((await btrt(bed, "db", "export", bed.path("x"))).code, 0);
  assert.equal(await tracker.stop(), 0);
});

test("a damaged file is moved aside with a loud line, and what can be read of it kept, at start and later", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const config = LISTEN + database({});
  const first = await TrackerProcess.start(bed, config);
  const infoHash = randomBytes(20);
  const counts = await fillSwarm(first.url, infoHash);
  for (let i = 0; i < 200; i++) await fillSwarm(first.url, randomBytes(20));
  await first.stop();
  const path = bed.path("var/btrt.db");
  const { size } = await stat(path);
  await overwrite(path, size - 4096, size);
  const tracker = await TrackerProcess.start(bed, config);
  const isLoud = ({ level, msg }: { level: string; msg: string }) =>
    level === "critical" && /is damaged/.test(msg);
  const { path: keptAs, torrents } = await tracker.logged("the damage", isLoud);
  assert.equal((await stat(String(keptAs))).size, size);
  assert.ok(Number(torrents) > 100 && Number(torrents) < 201, `${torrents} torrents`);
  await fillSwarm(tracker.url, infoHash);
  // A save between the two steps of the damage would put the pages into SQLite's cache, where they are not damaged.
  const filled = Date.now();
  await until("it is saved", async () => {
    const { savedAt, saveSeconds } = (await askStatus(tracker.admin)).database;
    return savedAt !== null && Date.parse(savedAt) - saveSeconds * 1000 > filled;
  });

  const before = tracker.log.length;
  await damage(path);
  await announce(tracker.url, { infoHash, port: 7001, left: 0 });
  await tracker.logged("the damage", isLoud, before);
  await tracker.logged("the recovery", ({ msg }) => /is available again/.test(msg), before);
  assert.equal((await askStatus(tracker.admin)).database.replacements, 2);
  await assertSurvives(bed, tracker, config, [infoHash], counts);
  const moved = (await readdir(bed.path("var"))).filter((name) => /damaged-\d{8}T\d{6}$/.test(name));
  assert.equal(moved.length, 2);
});

/** Overwrites all but the first page of a database, and makes the tracker that has it open read it again. */
async function damage(path: string): Promise<void> {
  const other = new DatabaseSync(path);
  // The tracker may be saving at this moment: its lock is waited for.
  other.exec("PRAGMA busy_timeout = 30000; CREATE TABLE other (one); PRAGMA wal_checkpoint(TRUNCATE)");
  other.close();
  await overwrite(path, 4096, (await stat(path)).size);
}

async function overwrite(path: string, from: number, to: number): Promise<void> {
  const file = await open(path, "r+");
  await file.write(randomBytes(to - from), 0, to - from, from);
  await file.close();
}

for (const kind of ["full", "read-only"] as const) {
  test(`a ${kind} disk stops no announce, is said once, and is caught up with`, {
    skip: namespacesMissing(),
    timeout: 300_000,
  }, async (t) => {
    const bed = await Bed.open(t);
    const disk = bed.mount("disk", kind === "full" ? "size=1m" : "ro");
    const config = LISTEN + database({ url: `sqlite:${disk}/btrt.db`, required: kind === "full" });
    const tracker = await TrackerProcess.start(bed, config);
    if (kind === "full") await writeFile(`${disk}/ballast`, randomBytes(2 ** 20)).catch(() => {});
    const swarms = Array.from({ length: 20 }, () => randomBytes(20));
    let counts: Counts | undefined;
    for (const infoHash of swarms) counts = await fillSwarm(tracker.url, infoHash);
    const reason = kind === "full" ? /the disk is full/ : /read-only|cannot be opened/;
    const isSaid = ({ level, reason: said }: { level: string; reason?: unknown }) =>
      level === "error" && reason.test(String(said));
    await tracker.logged("that nothing is saved", isSaid);
    if (kind === "full") await rm(`${disk}/ballast`);
    else execFileSync(MOUNT, ["-o", "remount,rw", disk]);
    const { attempts } = await tracker.logged("the recovery", ({ msg }) => /is available again/.test(msg));
    assert.ok(Number(attempts) >= 1);
    assert.equal(tracker.log.filter(isSaid).length, 1);
    await assertSurvives(bed, tracker, config, swarms, counts!);
  });
}

test("on a server: made by a command, upgraded by a command, moved from and to a file", {
  skip: toolsMissing(["mariadb-server"]),
  timeout: 300_000,
}, async (t) => {
  const server = await MariaDb.start(t, ...makeCertificate(await Bed.open(t)));
  const bed = await Bed.open(t);
  const { password, ...settings } = await server.makeSchema();
  await writeFile(bed.path("secret"), `${password}\n`);
  const keys = { ...settings, password_file: "secret" };
  const config = LISTEN + database(keys);
  await writeFile(bed.path("btrt.conf"), config);

  const refused = await btrt(bed, "run");
  assert.match(refused.err, /^btrt: database: .*no tables yet: run "btrt db create"\n$/);
  const script = (await btrt(bed, "db", "create", "--print")).out;
  assert.match(script, /^-- fails if .*-- version 1: .*CREATE TABLE.*-- version 2: /s);
  assert.match((await btrt(bed, "db", "create")).out, /created the schema, version \d+\n$/);
  assert.match((await btrt(bed, "db", "create")).out, /exists, version \d+\n$/);
  await server.execute(`DROP TABLE ${settings.schema}.group_total`);
  await server.execute(`DELETE FROM ${settings.schema}.btrt_schema WHERE version > 1`);
  assert.match((await btrt(bed, "run")).err, /of version 1, and \d+ is needed: run "btrt db upgrade"\n$/);
  assert.match((await btrt(bed, "db", "upgrade", "--print")).out, /^-- version 2: /);
  assert.match((await btrt(bed, "db", "upgrade")).out, /was 1, and is now \d+\n$/);

  const tracker = await TrackerProcess.start(bed, config);
  const infoHash = randomBytes(20);
  const counts = await fillSwarm(tracker.url, infoHash);
  await tracker.stop();
  const exported = bed.path("swarms");
  assert.equal((await btrt(bed, "db", "export", exported)).code, 0);

  const embedded = LISTEN + database({});
  await writeFile(bed.path("btrt.conf"), embedded);
  assert.equal((await btrt(bed, "db", "create")).code, 0);
  assert.equal((await btrt(bed, "db", "import", exported)).code, 0);
  const next = await TrackerProcess.start(bed, embedded);
  assert.deepEqual(await scrape(next.url, infoHash), counts);
  await next.stop();

  const named = { ...keys, url: keys.url.replace("127.0.0.1", "localhost"), tls: true };
  const secure = LISTEN + database({ ...named, tls_ca: bed.path("ca.pem") });
  await writeFile(bed.path("ca.pem"), certificate);
  const encrypted = await TrackerProcess.start(bed, secure);
  assert.deepEqual(await scrape(encrypted.url, infoHash), counts);
  await encrypted.stop();
  await writeFile(bed.path("btrt.conf"), LISTEN + database(named));
  assert.match((await btrt(bed, "db", "status")).err, /certificate/);
});

let certificate = "";

/** @returns options with which a server uses TLS as localhost. */
function makeCertificate(bed: Bed): string[] {
  const [key, cert] = [bed.path("key.pem"), bed.path("cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject],
    {
      stdio: "ignore",
    },
  );
  certificate = execFileSync("cat", [cert], { encoding: "utf8" });
  return [`--ssl-key=${key}`, `--ssl-cert=${cert}`];
}

test("a server that is away or refuses us is a clear error; not required, it is caught up with", {
  skip: toolsMissing(["mariadb-server"]),
  timeout: 300_000,
}, async (t) => {
  const server = await MariaDb.start(t);
  const bed = await Bed.open(t);
  const settings = { ...(await server.makeSchema()), auto_upgrade: true };
  await writeFile(
    bed.path("btrt.conf"),
    LISTEN + database({ ...settings, password: `${MARIADB_PASSWORD}?` }),
  );
  const wrong = await btrt(bed, "run");
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^btrt: database: [^\n]*refuses this user or password[^\n]*\n$/);
  assert.ok(!wrong.err.includes(MARIADB_PASSWORD));

  await server.kill();
  await writeFile(bed.path("btrt.conf"), LISTEN + database(settings));
  assert.match((await btrt(bed, "run")).err, /^btrt: database: [^\n]*no server listens[^\n]*\n$/);
  const config = LISTEN + database({ ...settings, required: false });
  const tracker = await TrackerProcess.start(bed, config);
  const infoHash = randomBytes(20);
  const counts = await fillSwarm(tracker.url, infoHash);
  await server.start();
  await tracker.logged("the recovery", ({ msg }) => /is available again/.test(msg));
  await saved(bed, 1);
  await assertSurvives(bed, tracker, config, [infoHash], counts);
  assert.ok(!tracker.process.stdout.includes(MARIADB_PASSWORD));

  await server.kill();
  const late = await TrackerProcess.start(bed, config);
  await announce(late.url, { infoHash, port: 6, left: 0, event: "completed" });
  await announce(late.url, { infoHash, port: 7001, left: 0 });
  await server.start();
  await late.logged("the recovery", ({ msg }) => /is available again/.test(msg));
  const all = { complete: counts.complete + 1, incomplete: counts.incomplete, downloaded: 3 };
  assert.deepEqual(await scrape(late.url, infoHash), all);
  await assertSurvives(bed, late, config, [infoHash], all);
});
