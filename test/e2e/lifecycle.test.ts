/** Starting, reloading and stopping the real program. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { Bed, type Process, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { namespacesMissing } from "../support/networks.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const LISTEN = `workers: 2\nlisten: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`;
/** Groups of loopback addresses. These are private, so they need `reachable_from`. */
const REACHABLE = "reachable_from: [near, far, asking]";
const ASKING = `  - { name: asking, priority: 9, cidr_list: [127.0.3.0/24] }\n`;

function groups(near: string, far: string): string {
  return `peer_groups:
  - { name: near, priority: 0, cidr_list: [${near}], ${REACHABLE} }
  - { name: far, priority: 1, cidr_list: [${far}], ${REACHABLE} }
${ASKING}`;
}

/** Longer than listen.idle_timeout, after which a silent connection would be closed anyway. */
const IDLE_TIMEOUT_MS = 60_000;

const ONE = "127.0.1.0/24";
const TWO = "127.0.2.0/24";
const PEERS_EACH = 10;

/** Announces ten peers from each of the two networks. */
async function fillSwarm(url: string): Promise<Buffer> {
  const infoHash = randomBytes(20);
  for (let i = 1; i <= PEERS_EACH; i++) {
    await announce(url, { infoHash, port: 7000, from: `127.0.1.${i}` });
    await announce(url, { infoHash, port: 7000, from: `127.0.2.${i}` });
  }
  return infoHash;
}

/** The networks of the peers that are returned to a third network, such as "11112222". All peers must be among them. */
async function orderTold(url: string, infoHash: Uint8Array): Promise<string> {
  const { peers } = await announce(url, { infoHash, port: 9, from: "127.0.3.1", numWant: 100 });
  assert.equal(new Set(peers).size, 2 * PEERS_EACH, "no peer is dropped");
  return peers.map((peer) => peer.split(".")[2]).join("");
}

/** Waits until the tracker reports that all peers have the groups of a reload. */
async function classified(tracker: TrackerProcess, from: number): Promise<void> {
  await tracker.logged("the new classification", ({ msg }) => /peers are classified/.test(msg), from);
}

const ONE_FIRST = "1".repeat(PEERS_EACH) + "2".repeat(PEERS_EACH);
const TWO_FIRST = "2".repeat(PEERS_EACH) + "1".repeat(PEERS_EACH);

/** Checks that the program refused to start, with one line. */
async function assertRefused(refused: Process, reason: RegExp): Promise<void> {
  await until("it has ended", () => refused.end !== undefined);
  assert.equal(refused.end, 1);
  assert.equal(refused.stdout, "");
  assert.match(refused.stderr, /^[^\n]+\n$/);
  assert.match(refused.stderr, reason);
}

test("with its defaults it says how to try it, and that works", {
  skip: namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const namespace = bed.addNamespace("alone");
  const tracker = runBtrt(bed, ["run", "--defaults"], { namespace });
  const said = () => tracker.stdout.endsWith("\n") && /Ctrl-C/.test(tracker.stderr);
  await until("it is ready and says how to try it", () => said() || tracker.end !== undefined);
  assert.match(
    tracker.stdout,
    /^\{[^\n]*"http":\["http:\/\/\[::\]:6969\/announce"\][^\n]*"msg":"ready"\}\n$/,
  );
  const urls = [...tracker.stderr.matchAll(/curl.*'(http:[^']+)'/g)].map(([, url]) => url);
  const [, page] = /The status page is (http:\S+)/.exec(tracker.stderr) ?? [];
  assert.ok(tracker.stdout.includes(`"admin":"${page}"`), "the ready line has the page's address");
  const program = `for (const url of process.argv.slice(1)) console.log(await (await fetch(url)).text())`;
  const trying = bed.run(
    [process.execPath, "--input-type=module", "--eval", program, ...urls, page],
    namespace,
  );
  assert.equal(await trying.ended, 0, trying.stderr);
  assert.match(
    trying.stdout,
    /^d8:completei1e.*\n.*5:peersld2:ip9:127\.0\.0\.14:porti6881eeee\n<!doctype html>/i,
  );
  assert.equal(await tracker.stop("SIGINT"), 0);
});

test("what keeps it from starting is said in one line", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, LISTEN);
  const { port } = new URL(tracker.url);
  const start = async (config: string) => {
    const path = bed.path("refused.conf");
    // Its own database: the running tracker has the other.
    await writeFile(path, `${config}database: { url: "sqlite:refused.db" }\n`);
    return runBtrt(bed, ["run", "--config", path]);
  };
  const udpPort = /:(\d+)\//.exec(tracker.udpUrls[0])?.[1];
  for (const workers of [1, 2]) {
    for (const [http, udp, taken] of [
      [port, 0, port],
      [0, udpPort, udpPort],
    ]) {
      const listen = `listen: { http: ["127.0.0.1:${http}"], udp: ["127.0.0.1:${udp}"] }`;
      await assertRefused(await start(`workers: ${workers}\n${listen}\n`), new RegExp(`:${taken}.*port`));
    }
  }
  await assertRefused(await start(`listen: { http: ["192.0.2.77:0"], udp: [] }\n`), /192\.0\.2\.77.*address/);
  await assertRefused(await start(`lissen: {}\n`), /refused\.conf:1:1: lissen: .*listen/);
  await writeFile(bed.path("file"), "");
  await assertRefused(
    await start(`${LISTEN}logging: { path: ${bed.path("file")} }\n`),
    /logging\.path: .*\/file/,
  );
  const missing = bed.path("missing.conf");
  await assertRefused(runBtrt(bed, ["run", "--config", missing]), /missing\.conf/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} under load ends it cleanly, and requests under way are answered`, {
    timeout: 300_000,
  }, async (t) => {
    const bed = await Bed.open(t);
    const tracker = await TrackerProcess.start(bed, LISTEN);
    const infoHash = randomBytes(20);
    const { port } = new URL(tracker.url);
    const halfway = connect(Number(port), "127.0.0.1");
    halfway.write(`GET /announce?info_hash=${"%61".repeat(20)}&port=1&left=1 HTTP/1.1\r\nHost: x\r\n`);

    let answered = 0;
    let stopping = false;
    const load = Array.from({ length: 8 }, async (_, i) => {
      for (;;) {
        try {
          await announce(tracker.url, { infoHash, port: 1000 + i });
          answered++;
        } catch (error) {
          assert.ok(stopping && error instanceof Error && error.message !== "aborted", String(error));
          return;
        }
      }
    });
    await until("there is load", () => answered > 200);
    stopping = true;
    const begun = performance.now();
    tracker.process.signal(signal);
    await tracker.logged("the stop", ({ msg }) => msg === "stopping");
    const reply = text(halfway);
    halfway.write("\r\n");
    assert.match(await reply, /^HTTP\/1\.1 200 /);
    assert.equal(await tracker.process.ended, 0);
    assert.ok(performance.now() - begun < IDLE_TIMEOUT_MS / 2);
    await Promise.all(load);
    assert.equal(tracker.log.at(-1)?.msg, "stopped");
    assert.equal(tracker.process.stderr, "");
  });
}

test("a connection that stays silent does not hold up the end", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, LISTEN);
  const { port } = new URL(tracker.url);
  const [idle, stuck] = [connect(Number(port), "127.0.0.1"), connect(Number(port), "127.0.0.1")];
  for (const socket of [idle, stuck]) socket.on("error", () => {});
  // The kernel may not have passed on a connection that has sent nothing: it is not closed then.
  t.after(() => idle.destroy());
  await Promise.all([once(idle, "connect"), once(stuck, "connect")]);
  stuck.write("GET /announce");
  await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 });
  const begun = performance.now();
  assert.equal(await tracker.stop(), 0);
  assert.ok(performance.now() - begun < IDLE_TIMEOUT_MS / 2);
});

test("a reload during a stop does not delay it", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, `${LISTEN}hashlist: { router_counters: counters.json }\n`);
  // The stop waits for a started request: this leaves time for the reload.
  const held = connect(Number(new URL(tracker.url).port), "127.0.0.1");
  t.after(() => held.destroy());
  await once(held, "connect");
  held.write("GET /announce?");
  await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 });
  tracker.process.signal("SIGTERM");
  await tracker.logged("that it stops", ({ msg }) => msg === "stopping");
  tracker.process.signal("SIGHUP");
  assert.equal(await tracker.process.ended, 0);
});

test("reloads asked for while one is under way are one, and do not hold up the end", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const prefixes = Array.from(
    { length: 200_000 },
    (_, i) => `10.${i >> 14}.${(i >> 6) & 255}.${(i & 63) << 2}/30\n`,
  );
  await writeFile(bed.path("near.txt"), prefixes.join(""));
  const config = `${LISTEN}peer_groups: [{ name: near, priority: 0, cidr_file: ${bed.path("near.txt")} }]\n`;
  const tracker = await TrackerProcess.start(bed, config);
  // Each has been read when the next announce is answered, or soon after.
  for (let i = 0; i < 50; i++) {
    tracker.process.signal("SIGHUP");
    await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 });
  }
  tracker.process.signal("SIGTERM");
  assert.equal(await tracker.process.ended, 0);
  const end = tracker.log.findIndex(({ msg }) => msg === "stopping");
  const after = tracker.log.slice(end).filter(({ msg }) => msg === "reloaded");
  assert.ok(after.length <= 1, `${after.length} reloads after the end had begun`);
});

test("SIGHUP puts known peers into their new groups and drops none", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, LISTEN + groups(ONE, TWO));
  const infoHash = await fillSwarm(tracker.url);
  assert.equal(await orderTold(tracker.url, infoHash), ONE_FIRST);
  const before = tracker.log.length;
  assert.equal((await tracker.reload(LISTEN + groups(TWO, ONE))).msg, "reloaded");
  await classified(tracker, before);
  assert.equal(await orderTold(tracker.url, infoHash), TWO_FIRST);
});

test("a changed cidr_file is followed without being told", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  await writeFile(bed.path("near.txt"), `# near\n${ONE}\n`);
  const config = `${LISTEN}peer_groups:
  - { name: near, priority: 0, cidr_file: ${bed.path("near.txt")}, ${REACHABLE} }
  - { name: far, priority: 1, cidr_list: [127.0.0.0/16], ${REACHABLE} }
${ASKING}`;
  const tracker = await TrackerProcess.start(bed, config);
  const infoHash = await fillSwarm(tracker.url);
  assert.equal(await orderTold(tracker.url, infoHash), ONE_FIRST);
  const before = tracker.log.length;
  await writeFile(bed.path("near.txt"), `${TWO} # nearer\n`);
  await classified(tracker, before);
  assert.equal(await orderTold(tracker.url, infoHash), TWO_FIRST);

  await writeFile(bed.path("near.txt"), "127.0.1.0/99\n");
  await tracker.logged("the mistake", ({ level, msg }) => level === "error" && /near\.txt:1:/.test(msg));
  assert.equal(await orderTold(tracker.url, infoHash), TWO_FIRST);
});

test("a broken configuration changes nothing but the log", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, LISTEN + groups(ONE, TWO));
  const infoHash = await fillSwarm(tracker.url);
  const broken = `${LISTEN}${groups(TWO, ONE)}tracker: { max_pears: 1000 }\n`;
  assert.match((await tracker.reload(broken)).msg, /^not reloaded/);
  await tracker.logged("the mistake", ({ level, msg }) =>
    [level === "error", msg.includes("btrt.conf:7:"), msg.includes("max_peers")].every(Boolean),
  );
  assert.match((await tracker.reload("listen: [")).msg, /^not reloaded/);
  assert.equal(await orderTold(tracker.url, infoHash), ONE_FIRST);
  const before = tracker.log.length;
  assert.equal((await tracker.reload(LISTEN + groups(TWO, ONE))).msg, "reloaded");
  await classified(tracker, before);
  assert.equal(await orderTold(tracker.url, infoHash), TWO_FIRST);
});

test("a full tracker answers new peers without storing them, and warns once", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(
    bed,
    `${LISTEN}tracker: { max_peers: 1000, max_peers_per_address: 1000 }\n`,
  );
  const infoHash = randomBytes(20);
  let port = 1000;
  const announceSome = async (count: number) => {
    const last = port + count;
    const line = async () => {
      while (port < last) {
        // One address may have a thousand peers in a torrent.
        const from = `127.0.0.${1 + (++port % 2)}`;
        await announce(tracker.url, { infoHash, port, from, numWant: 0 });
      }
    };
    await Promise.all(Array.from({ length: 8 }, line));
  };
  await announceSome(1000);
  assert.equal((await scrape(tracker.url, infoHash)).incomplete, 1000);
  const refused = await announce(tracker.url, { infoHash, port: 60_000 });
  assert.equal(refused.peers.length, 50);
  assert.equal((await scrape(tracker.url, infoHash)).incomplete, 1000);
  const completed = { port: 1001, from: "127.0.0.2", left: 0, event: "completed" } as const;
  const known = await announce(tracker.url, { infoHash, ...completed });
  assert.deepEqual([known.complete, known.incomplete], [1, 999]);

  const isWarning = ({ level, key }: { level: string; key?: unknown }) =>
    level === "warning" && key === "tracker.max_peers";
  await tracker.logged("the warning", isWarning);
  const end = performance.now() + 2500;
  while (performance.now() < end) await announceSome(50);
  await tracker.stop();
  assert.equal(tracker.log.filter(isWarning).length, 1);
});

test("the log goes to files, whole to its last line", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const directory = bed.path("deep/log");
  const config = bed.path("btrt.conf");
  const port = await freePort();
  await writeFile(
    config,
    `admin: { listen: "127.0.0.1:0" }\nlisten: { http: ["127.0.0.1:${port}"], udp: [] }\nlogging: { path: ${directory} }\n`,
  );
  await mkdir(directory, { recursive: true });
  const old = "btrt-2001-01-01.log";
  await writeFile(`${directory}/${old}`, "");
  const tracker = runBtrt(bed, ["run", "--config", config]);
  const log = () => readFile(`${directory}/btrt.log`, "utf8").catch(() => "");
  await until("it is ready", async () => /"ready"/.test(await log()));
  await announce(`http://127.0.0.1:${port}/announce`, { infoHash: randomBytes(20), port: 7001 });
  assert.equal(await tracker.stop(), 0);
  assert.match(await log(), /"msg":"stopped"\}\n$/);
  assert.doesNotMatch(await log(), /announce[^"]*"\}/, "no line per announce");
  await assert.rejects(readFile(`${directory}/${old}`), "files of long ago are deleted");
  assert.deepEqual([tracker.stdout, tracker.stderr], ["", ""]);
});

test("refused requests are sampled in the diagnostic log, subscribers' addresses masked", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(
    bed,
    `${LISTEN}logging: { level: diagnostic, mask_addresses: true }\n`,
  );
  for (let i = 0; i < 20; i++) await (await fetch(`${tracker.url}?info_hash=short`)).text();
  const line = await tracker.logged("the refusal", ({ msg }) => /requests refused/.test(msg));
  assert.equal(line.level, "diagnostic");
  assert.equal(line.address, "127.0.0.x");
  assert.equal(line.reason, "info_hash must be exactly 20 bytes");
  await tracker.stop();
  const lines = tracker.log.filter(({ msg }) => /requests refused/.test(msg));
  assert.ok(lines.length <= 2, "a sample of each worker, not every request");
});
