/** The hash list of a real tracker: its files, over HTTP, and by `btrt hashlist`. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { announce } from "../support/announce.ts";
import { type AdminQuestion, askAdmin, askStatus, readMetrics } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const LISTED = randomBytes(20);
const EXCLUDED = randomBytes(20);
const hex = (infoHash: Buffer) => infoHash.toString("hex");

/** A tracker whose list is made every five seconds, with one torrent that has two copies inside. */
async function start(t: TestContext, more = "") {
  const bed = await Bed.open(t);
  writeFileSync(bed.path("never"), `${hex(EXCLUDED)} # theirs\n`);
  const config = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
admin: { listen: "127.0.0.1:${await freePort()}" }
peer_groups: [{ name: ours, priority: 0, cidr_list: ["127.0.1.0/24"] }]
hashlist: { path: list, formats: [text, csv, json, binary, nftables], interval: 5, min_dwell: 0, min_peers: 3, exclude: never${more} }
`;
  const tracker = await TrackerProcess.start(bed, config);
  for (const infoHash of [LISTED, EXCLUDED]) {
    for (const i of [1, 2])
      await announce(tracker.url, { infoHash, port: 7000 + i, from: `127.0.1.${i}`, left: 0 });
    await announce(tracker.url, { infoHash, port: 7003, from: "127.0.1.3" });
  }
  const list = (format: string, question?: AdminQuestion) =>
    askAdmin(`${tracker.admin}api/v1/hashlist?format=${format}`, question);
  const text = () => readFileSync(bed.path("list.txt"), "utf8");
  const btrt = async (...args: string[]) => {
    const ran = runBtrt(bed, ["hashlist", ...args, "--config", bed.path("btrt.conf")]);
    return { code: await ran.ended, out: ran.stdout, err: ran.stderr };
  };
  return { bed, config, tracker, list, text, btrt };
}

test("files follow the swarms: a torrent comes, and goes when its copies go; a stop empties them", {
  timeout: 300_000,
}, async (t) => {
  const { bed, tracker, text } = await start(t);
  await until(
    "the torrent is listed",
    () => existsSync(bed.path("list.txt")) && text() === `${hex(LISTED)}\n`,
  );
  const status = () => JSON.parse(readFileSync(bed.path("list.status.json"), "utf8"));
  await until("the status is there", () => status().entries === 1);
  // The file with a time in it is written again after each check, and the status a moment later.
  await until("the status describes the files", () =>
    status().files.every(({ file, sha256, bytes }: { file: string; sha256: string; bytes: number }) => {
      const content = readFileSync(bed.path(file));
      return content.length === bytes && createHash("sha256").update(content).digest("hex") === sha256;
    }),
  );
  assert.match(readFileSync(bed.path("list.csv"), "utf8"), new RegExp(`^${hex(LISTED)},ours,2,1$`, "m"));
  assert.equal(readFileSync(bed.path("list.bin"), "hex"), hex(LISTED));
  const { checked } = status();
  utimesSync(bed.path("list.txt"), 1, 1);
  await until("it is checked again", () => status().checked > checked);
  assert.equal(statSync(bed.path("list.txt")).mtimeMs, 1000, "what has not changed keeps its time stamp");
  assert.ok(status().validUntil > new Date().toISOString());
  for (const i of [1, 2])
    await announce(tracker.url, {
      infoHash: LISTED,
      port: 7000 + i,
      from: `127.0.1.${i}`,
      left: 0,
      event: "stopped",
    });
  await until("it is off the list", () => text() === "");
  for (const i of [1, 2])
    await announce(tracker.url, { infoHash: LISTED, port: 7000 + i, from: `127.0.1.${i}`, left: 0 });
  await until("it is back", () => text() !== "");
  assert.equal(await tracker.stop(), 0);
  assert.equal(text(), "");
  assert.equal(status().entries, 0);
});

test("after kill -9 the files say until when they are valid, and the next start empties them", {
  timeout: 300_000,
}, async (t) => {
  const { bed, config, tracker, text } = await start(t);
  await until("the torrent is listed", () => existsSync(bed.path("list.txt")) && text() !== "");
  const status = () => JSON.parse(readFileSync(bed.path("list.status.json"), "utf8"));
  await until("the status is there", () => status().entries === 1);
  await tracker.process.stop("SIGKILL");
  assert.notEqual(text(), "");
  assert.ok(Date.parse(status().validUntil) <= Date.now() + 10_000, "twice the interval at most");
  await TrackerProcess.start(bed, config);
  await until("the list is empty", () => text() === "" && status().entries === 0);
});

test("over HTTP it is given in every format, whole or not again, compressed; metrics and status count it", {
  timeout: 300_000,
}, async (t) => {
  const { tracker, list, config } = await start(t);
  await until("the torrent is listed", async () => (await list("text")).body === `${hex(LISTED)}\n`);
  const { status, headers, body } = await list("text");
  assert.deepEqual(
    [status, headers["content-type"], body],
    [200, "text/plain; charset=utf-8", `${hex(LISTED)}\n`],
  );
  assert.equal(headers.etag, `"${createHash("sha256").update(body).digest("hex")}"`);
  // By the clock of the answer: the test may have lost its processor since.
  const valid = Date.parse(String(headers.expires)) - Date.parse(String(headers.date));
  assert.ok(valid > 0 && valid <= 11_000, "twice the interval");
  for (const tag of [headers.etag, `W/${headers.etag}`, `"x", ${headers.etag}`, "*"]) {
    const again = await list("text", { headers: { "If-None-Match": String(tag) } });
    assert.deepEqual([again.status, again.body, again.headers.etag], [304, "", headers.etag], String(tag));
  }
  assert.equal((await list("text", { headers: { "If-None-Match": '"x"' } })).status, 200);
  assert.equal(JSON.parse((await list("json")).body).torrents[0].infoHash, hex(LISTED));
  assert.match((await list("nftables")).body, / timeout 10s,\n/);
  assert.equal((await list("xml")).status, 400);
  const response = await fetch(`${tracker.admin}api/v1/hashlist?format=csv`, {
    headers: { "Accept-Encoding": "gzip" },
  });
  assert.equal(response.headers.get("content-encoding"), "gzip");
  assert.match(await response.text(), /ours,2,1/);
  const { hashList } = await askStatus(tracker.admin);
  assert.deepEqual([hashList.entries, hashList.excluded, hashList.failures], [1, 1, 0]);
  const metrics = readMetrics((await askAdmin(`${tracker.admin}metrics`)).body);
  assert.equal(metrics.get("btrt_hashlist_torrents"), 1);
  assert.equal(metrics.get('btrt_hashlist_left_out_torrents{reason="exclude"}'), 1);
  await tracker.reload(config.replace("min_dwell: 0", "dry_run: true, min_dwell: 0"));
  await until("it is a dry run", async () => (await list("text")).status === 409);
  assert.match((await list("json")).body, new RegExp(hex(LISTED)));
});

test("btrt hashlist writes it, says what has changed, and leaves no torrent listed that nobody vouches for", {
  timeout: 300_000,
}, async (t) => {
  const { bed, tracker, btrt } = await start(t);
  await until("the torrent is listed", async () => (await btrt()).out === `${hex(LISTED)}\n`);
  const file = bed.path("dpi.nft");
  const content = () => readFileSync(file, "utf8");
  writeFileSync(
    file,
    `add element inet btrt hashes {\n0x${"0".repeat(32)} . 0x${"1".repeat(8)} timeout 10s,\n}\n`,
  );
  const asked = ["--format", "nftables", "--output", file];
  const changed = await btrt(...asked, "--diff");
  assert.deepEqual(changed, {
    code: 0,
    out: `+${hex(LISTED)}\n-${"0".repeat(32)}${"1".repeat(8)}\n`,
    err: "",
  });
  assert.deepEqual(await btrt(...asked), { code: 0, out: "", err: "" });
  assert.match(content(), new RegExp(hex(LISTED).slice(0, 32)));
  assert.equal((await btrt(...asked, "--diff")).out, "");
  await until("the tracker's own file is the same", async () => (await btrt("--diff")).out === "");
  const config = readFileSync(bed.path("btrt.conf"), "utf8");
  const text = ["--output", bed.path("dpi.txt")];
  writeFileSync(bed.path("btrt.conf"), `nonsense: [\n${config}`);
  assert.deepEqual(await btrt(...text), { code: 0, out: "", err: "" }, "mistakes elsewhere do not matter");
  writeFileSync(bed.path("btrt.conf"), config.replace(/^admin: .*$/m, "admin: { listen: nowhere }"));
  assert.equal((await btrt(...text)).code, 1);
  assert.equal(readFileSync(text[1], "utf8"), `${hex(LISTED)}\n`, "after a mistake the file stays as it is");
  writeFileSync(bed.path("btrt.conf"), config);
  await tracker.process.stop("SIGKILL");
  assert.equal((await btrt(...text)).code, 1);
  assert.equal(readFileSync(text[1], "utf8"), "# no torrents\n");
  const dead = await btrt();
  assert.deepEqual([dead.code, dead.out], [1, ""]);
  assert.match(dead.err, /no tracker replies/);
  assert.equal((await btrt(...asked)).code, 1);
  assert.match(content(), /^# 0 torrents.*\nflush set inet btrt hashes\n$/);
});

test("counts of handshakes that nobody writes any more are said, once in the log", {
  timeout: 300_000,
}, async (t) => {
  const { bed, config, tracker } = await start(
    t,
    ", router_counters: router.json, dpi_statistics: { file: dpi.log, pattern: '(.)/(.)' }",
  );
  const warned = async () =>
    (await askStatus(tracker.admin)).warnings.filter((line) => line.includes("handshake counts"));
  assert.equal((await warned()).length, 2, "there is no file");
  writeFileSync(bed.path("dpi.log"), "3/2\n");
  await until("there are new ones", async () => (await warned()).length === 1);
  utimesSync(bed.path("dpi.log"), 1, 1);
  await until("they are old", async () =>
    (await warned()).some((line) => line.includes("1970-01-01T00:00:01")),
  );
  const { counterFiles } = await askStatus(tracker.admin);
  assert.deepEqual(
    counterFiles.map(({ by, file, writtenAt, isStale }) => [by, file, writtenAt, isStale]),
    [
      ["router", bed.path("router.json"), null, true],
      ["dpi", bed.path("dpi.log"), "1970-01-01T00:00:01.000Z", true],
    ],
  );
  const metrics = readMetrics((await askAdmin(`${tracker.admin}metrics`)).body);
  assert.equal(metrics.get('btrt_handshake_counts_written_timestamp_seconds{by="dpi"}'), 1);
  assert.equal(metrics.get('btrt_handshake_counts_written_timestamp_seconds{by="router"}'), 0);
  const doctor = runBtrt(bed, ["doctor", "--config", bed.path("btrt.conf")]);
  await doctor.ended;
  assert.match(doctor.stdout, /handshakes +\S+router\.json does not exist/);
  assert.match(doctor.stdout, /handshakes +\S+dpi\.log was last written at 1970/);
  const { checkedAt } = (await askStatus(tracker.admin)).hashList;
  await until(
    "they are looked at again",
    async () => (await askStatus(tracker.admin)).hashList.checkedAt !== checkedAt,
  );
  writeFileSync(bed.path("other.log"), "9/9\n");
  await tracker.reload(config.replace("dpi.log", "other.log"));
  await until("the other file is read", async () =>
    (await askStatus(tracker.admin)).counterFiles.some(
      ({ file, isStale }) => file.endsWith("other.log") && !isStale,
    ),
  );
  const [{ seen }] = (await askStatus(tracker.admin)).handshakes;
  assert.equal(seen, 0, "what another has counted before is not ours");
  const lines = tracker.log.filter(({ msg }) => msg.startsWith("handshake counts cannot be read"));
  assert.equal(lines.filter(({ reason }) => String(reason).startsWith(bed.path("dpi.log:"))).length, 1);
});
