/** The admin listener of a real tracker: access control, and whether its figures match the traffic. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { explanationSchema } from "../../src/admin/explain.ts";
import { historySchema } from "../../src/admin/history.ts";
import { statusSchema } from "../../src/admin/status.ts";
import { swarmsSchema } from "../../src/admin/swarms.ts";
import { announce, scrape } from "../support/announce.ts";
import { askAdmin, askStatus, readMetrics } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
peer_groups:
  - { name: ours, priority: 0, cidr_list: ["127.0.1.0/24"], reachable_from: [partner] }
  - { name: partner, priority: 1, cidr_list: ["127.0.2.0/24"], reachable_from: [ours] }
`;
const TOKEN = "correct-horse-battery-staple";

const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString("base64")}`;

test("without a token it answers this machine by address alone, tells other origins nothing, takes no bodies", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin } = await TrackerProcess.start(bed, CONFIG);
  const status = `${admin}api/v1/status`;
  const { host, port } = new URL(admin);
  const ask = async (url: string, question = {}) => (await askAdmin(url, question)).status;
  assert.equal(await ask(status), 200);
  assert.equal(await ask(status, { headers: { Host: `localhost:${port}` } }), 200);
  assert.equal(await ask(status, { headers: { Origin: `http://${host}` } }), 200);
  for (const name of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.evil"])
    assert.equal(await ask(status, { headers: { Host: name } }), 403, `Host: ${name}`);
  for (const origin of ["http://evil.example", "null", `http://evil.example:${port}`])
    assert.equal(await ask(status, { headers: { Origin: origin } }), 403, `Origin: ${origin}`);
  const { headers } = await askAdmin(status);
  assert.equal(headers["access-control-allow-origin"], undefined);
  assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
  assert.equal(await ask(status, { method: "POST", body: "x" }), 405);
  assert.equal(await ask(status, { method: "OPTIONS", headers: { Origin: "http://evil.example" } }), 405);
  assert.equal(await ask(status, { headers: { "Content-Length": "5" }, body: "hello" }), 413);
  assert.equal(await ask(status, { headers: { "X-Long": "x".repeat(9000) } }), 431);
  assert.equal(await ask(`${admin}%2e%2e/%2e%2e/package.json`), 404);
  for (const query of [
    "",
    "?info_hash=1&address=1.1.1.1",
    `?info_hash=${"0".repeat(40)}&address=1.1.1`,
    "?numwant=-1",
  ])
    assert.equal(await ask(`${admin}api/v1/explain${query}`), 400, query);
  assert.equal(await ask(`${admin}api/v1/explain?info_hash=${"0".repeat(40)}&address=1.1.1.1`), 404);
  const socket = connect(Number(port), "127.0.0.1");
  socket.end("\x16\x03 this is no HTTP\r\n\r\n");
  assert.match(await text(socket), /^HTTP\/1\.1 400 /);
  assert.equal(await ask(status), 200, "and it still answers");
});

test("with a token it answers who has it, by whatever name", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  await writeFile(bed.path("token"), `${TOKEN}\n`);
  const config = `${CONFIG}admin: { listen: "0.0.0.0:0", token_file: token }\n`;
  const { admin } = await TrackerProcess.start(bed, config);
  for (const path of ["", "metrics", "api/v1/status", "api/v1/openapi.json", "api/v1/events", "page.js"]) {
    const ask = async (authorization?: string) => {
      const headers = { Host: "btrt.example", ...(authorization && { Authorization: authorization }) };
      return path.endsWith("events") && authorization === `Bearer ${TOKEN}`
        ? 200
        : (await askAdmin(admin + path, { headers })).status;
    };
    assert.equal(await ask(`Bearer ${TOKEN}`), 200, path);
    for (const wrong of [
      undefined,
      "",
      "Bearer",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      basic(""),
      TOKEN,
    ])
      assert.equal(await ask(wrong), 401, `${path} ${wrong}`);
  }
  assert.equal((await askAdmin(admin, { headers: { Authorization: basic(TOKEN) } })).status, 200);
  assert.match(String((await askAdmin(admin)).headers["www-authenticate"]), /^Basic /, "browsers ask for it");
  for (const path of ["healthz", "readyz"]) assert.equal((await askAdmin(admin + path)).status, 200);

  const changed = "another-horse-battery-staple";
  await writeFile(bed.path("token"), `${changed}\n`);
  const ask = async (token: string) =>
    (await askAdmin(`${admin}metrics`, { headers: { Authorization: `Bearer ${token}` } })).status;
  await until("the changed token is taken", async () => (await ask(changed)) === 200);
  assert.equal(await ask(TOKEN), 401);
});

test("a token that is none, and an address that is taken, are said", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { admin } = await TrackerProcess.start(bed, CONFIG);
  const run = async (lines: string) => {
    await writeFile(bed.path("other.conf"), `${CONFIG}database: { url: "sqlite:other.db" }\n${lines}`);
    const other = runBtrt(bed, ["run", "--config", bed.path("other.conf")]);
    assert.equal(await other.ended, 1);
    return other.stderr;
  };
  await writeFile(bed.path("short"), "secret\n");
  assert.match(
    await run(`admin: { token_file: short }\n`),
    /short:1:1: the first line must be a token of 16 to 200 printable characters/,
  );
  const taken = await run(`admin: { listen: "${new URL(admin).host}" }\n`);
  assert.match(taken, /^btrt: admin\.listen: 127\.0\.0\.1:\d+ is in use by \S+ \(process \d+\): .*\n$/);
});

test("over TLS it answers with its certificate", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const makeCertificate = (name: string) =>
    execFileSync(
      "openssl",
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=${name}`
        .split(" ")
        .concat("-keyout", bed.path("key"), "-out", bed.path("cert")),
      { stdio: "ignore" },
    );
  makeCertificate("btrt");
  const config = `${CONFIG}admin: { listen: "127.0.0.1:0", cert: cert, key: key }\n`;
  const tracker = await TrackerProcess.start(bed, config);
  const { admin } = tracker;
  assert.match(admin, /^https:/);
  const curl = execFileSync("curl", ["--silent", "--insecure", `${admin}readyz`], { encoding: "utf8" });
  assert.equal(curl, "ready\n");
  makeCertificate("renewed");
  assert.match((await tracker.reload(config)).msg, /^reloaded/);
  assert.equal(await certifiedName(admin), "renewed");
  await writeFile(bed.path("key"), "no key");
  await tracker.reload(config);
  assert.equal(await certifiedName(admin), "renewed", "what is no pair is not taken");
  const shown = execFileSync("curl", ["--silent", "--insecure", `${admin}api/v1/status`], {
    encoding: "utf8",
  });
  assert.match(statusSchema.parse(JSON.parse(shown)).warnings.join(), /certificate and key do not match/);
});

/** The name in the certificate of a listener. */
async function certifiedName(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

test("its figures match the traffic", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, CONFIG);
  const { admin, url } = tracker;
  const infoHash = randomBytes(20);
  for (let i = 1; i <= 30; i++) {
    await announce(url, { infoHash, port: 7000 + i, from: `127.0.1.${i}`, left: i === 1 ? 0 : 1000 });
    if (i <= 5) await announce(url, { infoHash, port: 7000 + i, from: `127.0.2.${i}` });
  }
  for (let i = 0; i < 4; i++) await scrape(url, infoHash);
  await assert.rejects(announce(url, { infoHash, port: 0 }));
  await assert.rejects(announce(url.replace("announce", "elsewhere"), { infoHash, port: 7001 }));

  await until("all are counted", async () => (await askStatus(admin)).tiers[0].ipv4 === 30);
  const status = await askStatus(admin);
  assert.deepEqual([status.peers, status.swarms, status.swarmsWithoutNear], [35, 1, 0]);
  assert.deepEqual(
    status.tiers.map(({ groups, ipv4, complete, outside }) => [groups, ipv4, complete, outside]),
    [
      [["ours"], 30, 1, false],
      [["partner"], 5, 0, false],
      [[], 0, 0, true],
    ],
  );
  assert.equal(status.locality.nearShare, 1);
  assert.deepEqual(status.announceUrls, [...tracker.urls, ...tracker.udpUrls]);

  const metrics = readMetrics((await askAdmin(`${admin}metrics`)).body);
  const requests = (kind: string, outcome: string) =>
    metrics.get(`btrt_requests_total{protocol="http",kind="${kind}",family="ipv4",outcome="${outcome}"}`);
  assert.equal(requests("announce", "answered"), 35);
  assert.equal(requests("announce", "refused"), 1);
  assert.equal(requests("scrape", "answered"), 4);
  assert.equal(requests("other", "malformed"), 1);
  const refusals = { port_invalid: 1, http_not_found: 1, info_hash_missing: 0 };
  for (const [reason, count] of Object.entries(refusals))
    assert.equal(metrics.get(`btrt_refusals_total{reason="${reason}"}`), count, reason);
  assert.deepEqual(
    status.refusals.map(({ reason, count }) => [reason, count]),
    [
      ["port_invalid", 1],
      ["http_not_found", 1],
    ],
  );
  assert.equal(metrics.get('btrt_queue_drops_total{queue="vanished_swarms"}'), 0);
  assert.ok(metrics.get('btrt_request_duration_seconds_count{protocol="http",kind="announce"}')! >= 2);
  const returned = status.tiers.reduce((sum, tier) => sum + tier.returned, 0);
  assert.equal(metrics.get('btrt_peers_returned_total{tier="1"}'), status.tiers[0].returned);
  assert.ok(returned > 0);

  const json = async (path: string) => JSON.parse((await askAdmin(`${admin}api/v1/${path}`)).body);
  const swarms = swarmsSchema.parse(await json("swarms"));
  assert.deepEqual(swarms.largest, [
    { infoHash: infoHash.toString("hex"), complete: 1, incomplete: 34, peersByTier: [30, 5, 0] },
  ]);
  assert.deepEqual(
    swarms.groups.map(({ name, tier, prefixes, firstPrefixes, peers }) => [
      name,
      tier,
      prefixes,
      firstPrefixes,
      peers,
    ]),
    [
      ["ours", 1, 1, ["127.0.1.0/24"], 30],
      ["partner", 2, 1, ["127.0.2.0/24"], 5],
      [null, 3, 0, [], 0],
    ],
  );
});

test("history says what was, by spans of time, across restarts", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const config = `listen: { http: ["127.0.0.1:0"], udp: [] }
tracker: { ip_parameter: ["127.0.0.0/8"] }
peer_groups: [{ name: ours, priority: 0, cidr_list: ["11.0.0.0/8"] }]
database: { save_interval: 1 }\n`;
  const infoHash = randomBytes(20);
  const sums = { announces: 0, returned: 0, downloaded: 0, outside: 0, random: 0 };
  for (let run = 0; run < 2; run++) {
    const tracker = await TrackerProcess.start(bed, config);
    for (let i = 1; i <= 40; i++) {
      const peer = { infoHash, port: 7000 + i, ip: `${i % 2 === 0 ? 11 : 12}.0.0.${i}`, numWant: 5 };
      await announce(tracker.url, { ...peer, event: "started" });
      await announce(tracker.url, { ...peer, downloaded: i * 2 ** 20 });
    }
    const { requests, tiers, locality } = await askStatus(tracker.admin);
    const { outside, random, reported } = locality;
    sums.announces += requests.reduce((sum, { kind, count }) => sum + (kind === "announce" ? count : 0), 0);
    sums.returned += tiers.reduce((sum, { returned }) => sum + returned, 0);
    sums.downloaded += reported.downloaded;
    sums.outside += outside.downloaded + outside.uploaded;
    sums.random += random.downloaded + random.uploaded;
    await tracker.stop();
  }
  assert.ok(sums.random > sums.outside && sums.outside > 0, "something is avoided, and something is not");
  const { admin } = await TrackerProcess.start(bed, config);
  const steps = { hour: 300, day: 3600, week: 3600, month: 86_400, year: 86_400 };
  for (const [span, step] of Object.entries(steps)) {
    const { body } = await askAdmin(`${admin}api/v1/history?span=${span}`);
    const { stepSeconds, points } = historySchema.parse(JSON.parse(body));
    assert.equal(stepSeconds, step);
    for (const { start } of points) assert.equal(start % step, 0);
    const sum = (read: (point: (typeof points)[number]) => number) =>
      points.reduce((total, point) => total + read(point), 0);
    const within = (read: (point: (typeof points)[number]) => number, expected: number) =>
      assert.ok(Math.abs(sum(read) - expected) <= 4, `${span}: ${sum(read)} is not ${expected}`);
    assert.equal(
      sum(({ announces }) => announces),
      sums.announces,
    );
    assert.equal(
      sum(({ returnedNear, returnedOutside }) => returnedNear + returnedOutside),
      sums.returned,
    );
    assert.equal(
      sum(({ downloaded }) => downloaded),
      sums.downloaded,
    );
    within(({ outside }) => outside, sums.outside);
    within(({ random }) => random, sums.random);
  }
});

test("its description names every route, with what it is asked and answers", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin } = await TrackerProcess.start(bed, CONFIG);
  const { openapi, paths } = JSON.parse((await askAdmin(`${admin}api/v1/openapi.json`)).body);
  assert.match(openapi, /^3\.1\./);
  const names = ["explain", "gate", "gate/report", "hashlist", "history", "report", "status", "swarms"];
  const routes = names.map((name) => `/api/v1/${name}`);
  assert.deepEqual(Object.keys(paths).sort(), routes);
  const { parameters, responses } = paths["/api/v1/explain"].get;
  assert.deepEqual(
    parameters.map(({ name, required }: { name: string; required: boolean }) => [name, required]),
    [
      ["info_hash", true],
      ["address", true],
      ["numwant", false],
    ],
  );
  assert.ok(responses[200].content["application/json"].schema.properties.runs);
  delete paths["/api/v1/gate/report"]; // a POST
  for (const [path, { get }] of Object.entries<{ get: { responses: typeof responses } }>(paths)) {
    const { status, headers } = await askAdmin(admin.slice(0, -1) + path);
    const { content } = get.responses[status] ?? get.responses.default;
    const type = String(headers["content-type"]);
    assert.ok(type in content || type.replace(/;.*/, "") in content, `${path}: ${type}`);
  }
});

test("explain shows the peers of an answer, and why, and changes nothing", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url } = await TrackerProcess.start(bed, CONFIG);
  const infoHash = randomBytes(20);
  await announce(url, { infoHash, port: 1001, from: "127.0.1.1", left: 0 });
  await announce(url, { infoHash, port: 1002, from: "127.0.1.2" });
  await announce(url, { infoHash, port: 1003, from: "127.0.2.3" });
  await announce(url, { infoHash, port: 1004, from: "127.0.3.4" });
  const before = await askStatus(admin);
  const explain = async (address: string) => {
    const query = `info_hash=${infoHash.toString("hex").toUpperCase()}&address=${address}`;
    return explanationSchema.parse(JSON.parse((await askAdmin(`${admin}api/v1/explain?${query}`)).body));
  };
  const ours = await explain("127.0.1.2");
  assert.deepEqual([ours.known, ours.group, ours.prefix], [true, "ours", "127.0.1.0/24"]);
  assert.deepEqual(
    ours.peers.map(({ address, port, tier, prefix }) => [address, port, tier, prefix]),
    [
      ["127.0.1.1", 1001, 1, "127.0.1.0/24"],
      ["127.0.2.3", 1003, 2, "127.0.2.0/24"],
    ],
  );
  assert.match(ours.runs.find(({ group }) => group === null)?.reason ?? "", /^not returned: private/);
  const seeder = await explain("127.0.1.1");
  assert.ok(seeder.seeder);
  const stranger = await explain("127.0.9.9");
  assert.deepEqual([stranger.known, stranger.group, stranger.prefix], [false, null, null]);
  assert.deepEqual(
    stranger.peers.map(({ port }) => port),
    [1004],
  );
  const after = await askStatus(admin);
  const countsOf = ({ peers, tiers, requests }: typeof before) => [
    peers,
    tiers.map(({ returned }) => returned),
    requests.map(({ count }) => count),
  ];
  assert.deepEqual(countsOf(after), countsOf(before));
});

test("its metrics hold to Prometheus's conventions", {
  timeout: 300_000,
  skip: toolsMissing(["prometheus"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin } = await TrackerProcess.start(bed, CONFIG);
  const { body, headers } = await askAdmin(`${admin}metrics`);
  assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  execFileSync("promtool", ["check", "metrics"], { input: body, stdio: ["pipe", "pipe", "pipe"] });
});

test("btrt status and btrt explain say it on the command line", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const port = await freePort();
  const { url } = await TrackerProcess.start(bed, `${CONFIG}admin: { listen: "127.0.0.1:${port}" }\n`);
  const infoHash = randomBytes(20);
  for (let i = 1; i <= 3; i++) await announce(url, { infoHash, port: 7000 + i, from: `127.0.1.${i}` });
  const btrt = async (...args: string[]) => {
    const ran = runBtrt(bed, [...args, "--config", bed.path("btrt.conf")]);
    return { code: await ran.ended, out: ran.stdout, err: ran.stderr };
  };
  const shown = await btrt("status");
  assert.deepEqual([shown.code, shown.err], [0, ""]);
  assert.match(shown.out, /3 peers of 4,000,000, in 1 torrents/);
  assert.match(shown.out, /tier 1 .* ours/);
  const json = await btrt("status", "--json");
  assert.equal(statusSchema.parse(JSON.parse(json.out)).peers, 3);
  const watching = runBtrt(bed, ["status", "--watch", "--json", "--config", bed.path("btrt.conf")]);
  await until("two states are shown", () => watching.stdout.split("\n").length > 2);
  await watching.stop("SIGINT");
  const asked = ["explain", "--info-hash", infoHash.toString("hex"), "--address", "127.0.1.1"];
  const explained = await btrt(...asked, "--numwant", "1");
  assert.deepEqual([explained.code, explained.err], [0, ""]);
  assert.match(explained.out, /^127\.0\.1\.1, ours \(127\.0\.1\.0\/24\), is in this torrent, a leecher\b/);
  assert.match(
    explained.out,
    /1 of at most 1 peers\n {2}tier 1 {2}127\.0\.1\.[23]:700[23] {2}ours \(127\.0\.1\.0\/24\)\n/,
  );
  const wrong = await btrt("explain", "--info-hash", "abc", "--address", "127.0.1.1");
  assert.deepEqual([wrong.code, wrong.err], [1, "btrt: info_hash: must be 40 hexadecimal digits\n"]);
  await writeFile(bed.path("btrt.conf"), `${CONFIG}admin: { listen: "127.0.0.1:${await freePort()}" }\n`);
  const silent = await btrt("status");
  assert.equal(silent.code, 1);
  assert.match(silent.err, /^btrt: .*no tracker replies; is it running with .*btrt\.conf\?\n$/);
});
