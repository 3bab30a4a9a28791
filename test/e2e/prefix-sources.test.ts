/** Peer groups whose prefixes are read elsewhere: adopted while clients announce, kept when the source fails or shrinks. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { announce } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const NEAR = ["127.0.1.0/24", "127.0.4.0/24", "127.0.5.0/24", "127.0.6.0/24"];

/** A server whose list the test changes. */
async function serveList(t: TestContext) {
  const served = { list: NEAR, status: 200, url: "" };
  const server = createServer((_, response) =>
    response.writeHead(served.status).end(served.list.map((prefix) => `${prefix}\n`).join("")),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`;
  return served;
}

/** @param timeout its change makes the tracker read the source at once. */
function configuration(source: string, timeout: number): string {
  const reachable = "reachable_from: [near, far]";
  return `workers: 2
listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
peer_groups:
  - { name: near, priority: 0, ${reachable}, source: { ${source}, timeout: ${timeout} } }
  - { name: far, priority: 1, ${reachable}, cidr_list: [127.0.2.0/24, 127.0.3.0/24] }
`;
}

/** Waits until the copy of the source is in force. */
async function adopted(tracker: TrackerProcess, near: number, from = 0): Promise<void> {
  await tracker.logged(
    `${near} prefixes in force`,
    ({ msg, groups }) => msg === "reloaded" && JSON.stringify(groups) === `{"near":${near},"far":2}`,
    from,
  );
}

/** A request on a connection that stays open. */
async function requestOn(socket: Socket): Promise<string> {
  socket.write("GET /scrape HTTP/1.1\r\nHost: a\r\n\r\n");
  const [bytes] = await once(socket, "data");
  return String(bytes);
}

test("a URL: adopted without a disturbance; failures and shrinking keep the copy", async (t) => {
  const bed = await Bed.open(t);
  const served = await serveList(t);
  const source = `from: "${served.url}"`;
  const tracker = await TrackerProcess.start(bed, configuration(source, 10));
  const infoHash = randomBytes(20);
  await announce(tracker.url, { infoHash, port: 7002, from: "127.0.2.1" });
  await announce(tracker.url, { infoHash, port: 7001, from: "127.0.1.1" });
  const { hostname, port } = new URL(tracker.url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  assert.match(await requestOn(socket), /^HTTP\/1\.1 /);
  await adopted(tracker, 4);
  await tracker.logged("the new classification", ({ msg }) => /peers are classified/.test(msg));
  assert.match(await requestOn(socket), /^HTTP\/1\.1 /, "the connection is still open");
  const { peers } = await announce(tracker.url, { infoHash, port: 7009, from: "127.0.3.1", numWant: 2 });
  assert.deepEqual(
    peers,
    ["127.0.1.1:7001", "127.0.2.1:7002"],
    "peers are still there, and the near one is first",
  );

  let logged = tracker.log.length;
  served.list = [...NEAR, "127.0.7.0/24"];
  await tracker.reload(configuration(source, 11));
  await adopted(tracker, 5, logged);

  logged = tracker.log.length;
  served.list = NEAR.slice(0, 2);
  await tracker.reload(configuration(source, 12));
  await tracker.logged("that it waits", ({ msg }) => /not used until they are confirmed/.test(msg), logged);
  const held = await askStatus(tracker.admin);
  assert.equal(held.prefixSources[0].held, true);
  assert.match(held.warnings.join("\n"), /"near" has only 2 prefixes.*confirm them: mv '.*near\.conf\.held'/);
  const checked = runBtrt(bed, ["check", "--sources", "--config", bed.path("btrt.conf")]);
  assert.equal(await checked.ended, 0, checked.stderr);
  assert.match(checked.stdout, /as they are now\n {2}"near": 2 IPv4 and 0 IPv6 prefixes; 5 in the copy\n/);
  const copy = bed.path("var/sources/near.conf");
  renameSync(`${copy}.held`, copy);
  await adopted(tracker, 2, logged);
  await until("nothing waits", async () => !(await askStatus(tracker.admin)).prefixSources[0].held);

  logged = tracker.log.length;
  served.status = 503;
  await tracker.reload(configuration(source, 13));
  await tracker.logged("the failure", ({ msg }) => /cannot be read: its copy stays in use/.test(msg), logged);
  const { warnings, prefixSources } = await askStatus(tracker.admin);
  assert.match(
    warnings.join("\n"),
    /"near" cannot be read \(127\.0\.0\.1 answers with status 503\): its copy of 20/,
  );
  assert.deepEqual([prefixSources[0].failures, prefixSources[0].readAt], [1, null]);
  const failing = runBtrt(bed, ["check", "--sources", "--config", bed.path("btrt.conf")]);
  assert.equal(await failing.ended, 1);
  assert.equal(
    failing.stderr,
    'btrt: the source of the peer group "near": 127.0.0.1 answers with status 503\n',
  );
  const doctor = runBtrt(bed, ["doctor", "--config", bed.path("btrt.conf")]);
  await doctor.ended;
  assert.match(doctor.stdout, /warning +prefix sources +"near": 127\.0\.0\.1 answers with status 503/);

  await tracker.stop();
  const again = await TrackerProcess.start(bed, configuration(source, 13));
  const ready = again.log.find(({ msg }) => msg === "ready");
  assert.deepEqual(ready?.groups, { near: 2, far: 2 }, "the copy is in force from the start");
  assert.equal(await again.stop(), 0);
});

test("a damaged copy is no reason not to start", async (t) => {
  const bed = await Bed.open(t);
  const served = await serveList(t);
  const tracker = await TrackerProcess.start(bed, configuration(`from: "${served.url}"`, 10));
  await adopted(tracker, 4);
  await tracker.stop();
  writeFileSync(bed.path("var/sources/near.conf"), `127.0.1.0/24\n${"\0".repeat(3000)}`);
  const again = await TrackerProcess.start(bed, configuration(`from: "${served.url}"`, 10));
  await again.logged("the damage", ({ msg }) =>
    /near\.conf:2:1: the copy of the source is damaged/.test(msg),
  );
  await adopted(again, 4);
});

test("a command gets none of the tracker's sockets, and ends with the tracker", async (t) => {
  const bed = await Bed.open(t);
  const [listed, pid] = [bed.path("listed"), bed.path("pid")];
  const script = `ls -l /proc/self/fd >${listed}; echo $$ >${pid}; exec sleep 1000`;
  const source = `from: [/bin/sh, -c, "${script}"]`;
  const tracker = await TrackerProcess.start(bed, configuration(source, 600));
  const read = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  await until("the command runs", () => read(pid) !== "");
  assert.doesNotMatch(read(listed), /([3-9]|\d\d) -> (socket:|anon_inode:)/);
  assert.equal(await tracker.stop(), 0);
  await until("it has ended", () => !/^State:\s+[^Z]/m.test(read(`/proc/${Number(read(pid))}/status`)));
});

const BIRD = `router id 192.0.2.1;
protocol device {}
protocol static own { ipv4; route 198.51.100.0/24 unreachable; route 203.0.113.0/25 blackhole; route 0.0.0.0/0 unreachable; }
protocol static own6 { ipv6; route 2001:db8::/32 unreachable; }
`;

test("the routes of a running BIRD", { skip: toolsMissing(["bird2"]) || namespacesMissing() }, async (t) => {
  const bed = await Bed.open(t);
  writeFileSync(bed.path("bird.conf"), BIRD);
  const namespace = bed.addNamespace("bird");
  const socket = bed.path("bird.ctl");
  bed.run(["bird", "-f", "-c", bed.path("bird.conf"), "-s", socket], namespace);
  const source = `from: [/usr/sbin/birdc, -s, "${socket}", -r, "show route"], format: bird`;
  writeFileSync(bed.path("btrt.conf"), configuration(source, 10));
  let shown = "";
  await until("BIRD has its routes", async () => {
    const checked = runBtrt(bed, ["check", "--sources", "--config", bed.path("btrt.conf")]);
    shown = (await checked.ended) === 0 ? checked.stdout : "";
    return shown !== "";
  });
  const counts =
    '"near": 2 IPv4 and 1 IPv6 prefixes; there is no copy yet; prefixes wider than /8 (IPv6: /16) left out: 1';
  assert.ok(shown.includes(counts), shown);
});
