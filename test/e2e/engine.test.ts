/** The engine that the real program chooses. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { announce } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { Network, namespacesMissing } from "../support/networks.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `workers: 2\nlisten: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`;
const REFUSING = [process.execPath, fileURLToPath(new URL("./refuse-io-uring.ts", import.meta.url))];

/** Enough locked memory for one small ring. A process with CAP_IPC_LOCK, which has no limit, loses it. */
const WITHOUT_MEMORY = [
  "sh",
  "-c",
  'ulimit -l 256 && if [ "$(id -u)" = 0 ]; then exec setpriv --bounding-set=-ipc_lock "$0" "$@"; else exec "$0" "$@"; fi',
];

const skip = (await probeUring()) ?? false;

/** The engine in the ready line. */
function engineOf({ log }: TrackerProcess): unknown {
  return log.find(({ msg }) => msg === "ready")?.engine;
}

test("it takes uring where the kernel lets it", { skip, timeout: 300_000 }, async (t) => {
  const tracker = await TrackerProcess.start(await Bed.open(t), CONFIG);
  assert.equal(engineOf(tracker), "uring");
  assert.equal((await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 })).incomplete, 1);
  assert.equal(await tracker.stop(), 0);
});

test("where seccomp refuses io_uring it takes node, and says why in one line", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const tracker = await TrackerProcess.start(await Bed.open(t), CONFIG, { by: REFUSING });
  const lines = tracker.log.filter(({ because }) => because !== undefined);
  assert.equal(lines.length, 1);
  assert.match(String(lines[0].because), /^io_uring is refused \(EPERM\): by seccomp, as in most containers/);
  assert.equal(engineOf(tracker), "node");
  assert.equal((await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 })).incomplete, 1);
  assert.equal(await tracker.stop(), 0);
});

test("where memory cannot be locked it takes node", { skip, timeout: 300_000 }, async (t) => {
  const tracker = await TrackerProcess.start(await Bed.open(t), CONFIG, { by: WITHOUT_MEMORY });
  const because = tracker.log.find((line) => line.because !== undefined)?.because;
  assert.match(String(because), /^io_uring is refused \(ENOMEM\): raise the limit of locked memory/);
  assert.equal(engineOf(tracker), "node");
  assert.equal(await tracker.stop(), 0);
});

test("who insists on uring is told why not", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const config = bed.path("btrt.conf");
  await writeFile(config, `${CONFIG}engine: uring\n`);
  const refused = runBtrt(bed, ["run", "--config", config], { by: REFUSING });
  await until("it has ended", () => refused.end !== undefined);
  assert.equal(refused.end, 1);
  assert.match(refused.stderr, /^btrt: engine: io_uring is refused \(EPERM\)[^\n]*\n$/);
});

/** SYN, SYN, ACK, request, reply with FIN, FIN, ACK. */
const LEAST_PACKETS = 7;

test("an announce on a connection of its own takes as few packets as it can", {
  skip: skip || namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const namespace = bed.addNamespace("alone");
  const tracker = await TrackerProcess.start(bed, CONFIG, { namespace });
  const network = new Network(bed, namespace);
  const counts: number[] = [];
  // On a busy machine, either end may take so long that the other sends an empty ACK.
  while (counts.length < 10 && !counts.includes(LEAST_PACKETS)) {
    const before = await packetsSent(bed, namespace);
    await network.announce(tracker.url, [{ infoHash: randomBytes(20), port: 7001 }]);
    counts.push((await packetsSent(bed, namespace)) - before);
  }
  assert.equal(Math.min(...counts), LEAST_PACKETS, String(counts));
});

/** TCP packets sent by all processes in a namespace (OutSegs of RFC 4022). */
async function packetsSent(bed: Bed, namespace: string): Promise<number> {
  const reading = bed.run(["cat", "/proc/net/snmp"], namespace);
  await reading.ended;
  const [names, values] = reading.stdout.split("\n").filter((line) => line.startsWith("Tcp:"));
  return Number(values.split(" ")[names.split(" ").indexOf("OutSegs")]);
}
