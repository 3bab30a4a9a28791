/** The gate as a whole: a tracker decides, a router follows it, and real clients are behind that router. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { counterName } from "../../src/gate/router/nft-lists.ts";
import { Bed, type Process, until } from "../support/bed.ts";
import { PLAIN_LIBTORRENT, startLibtorrents, UTP_LIBTORRENT } from "../support/clients.ts";
import { Internet, type Network, namespacesMissing } from "../support/networks.ts";
import { isInSet, readCounters } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent } from "../support/torrent.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";
import { HandshakeCapture } from "./handshakes.ts";

const skip = toolsMissing(["python3-libtorrent", "nftables", "iproute2"]) || namespacesMissing();

const CONFIG = `
listen: { http: ["192.0.2.1:6969"], udp: [] }
admin: { listen: "127.0.0.1:6970" }
selection: { policy: bridged }
gate: { enabled: true }
peer_groups:
  - { name: operator, priority: 0, cidr_list: [203.0.113.0/24] }
`;

/** A tracker that outside peers announce to. */
const OTHER_TRACKER = `
listen: { http: ["192.0.2.1:7969"], udp: [] }
database: { url: "sqlite:other.db" }
`;

const PORT = 6881;
const [BRIDGE, CLOSED, SEED] = ["203.0.113.10", "203.0.113.20", "198.51.100.10"];
/** Nobody completes by this while a test looks. */
const SLOW_BYTES = 20_000;

const PLAIN = { ...PLAIN_LIBTORRENT, ...UTP_LIBTORRENT };

interface Scene {
  readonly bed: Bed;
  readonly router: string;
  readonly operator: Network;
  readonly outside: Network;
  readonly tracker: TrackerProcess;
  readonly follower: Process;
}

/** The tracker and the follower are on the router. */
async function build(bed: Bed): Promise<Scene> {
  const internet = new Internet(bed);
  const operator = internet.addNetwork("operator", ["203.0.113.0/24"]);
  const outside = internet.addNetwork("outside", ["198.51.100.0/24"]);
  const router = internet.core;
  const tracker = await TrackerProcess.start(bed, CONFIG, { namespace: router });
  const follower = runBtrt(bed, ["gate", "--follow", "--config", bed.path("btrt.conf")], {
    namespace: router,
  });
  const scene = { bed, router, operator, outside, tracker, follower };
  await until("the router follows", () => isAlive(scene) || follower.end !== undefined);
  assert.equal(follower.end, undefined, follower.stderr);
  return scene;
}

function has({ router }: Scene, set: string, element: string): boolean {
  return isInSet(router, `inet btrt gate_${set}`, element);
}

function isAlive(scene: Scene): boolean {
  return has(scene, "alive", "ip");
}

/** A bridge and a closed subscriber, which has nothing, and a seed outside that connects to both. */
async function startClients(scene: Scene) {
  const { bed, router, operator, outside, tracker } = scene;
  const other = await TrackerProcess.start(bed, OTHER_TRACKER, { namespace: router, name: "other" });
  const torrent = await makeTorrent(bed.directory, "gated", tracker.url);
  const start = async (network: Network, address: string, settings: object, seed = false) => {
    const announced = seed ? await torrent.withTracker("elsewhere", other.url) : torrent;
    const directory = seed ? torrent.seedDirectory : bed.path(address);
    const client = { torrent: announced, directory, address, port: PORT, seed };
    const running = await startLibtorrents(
      bed,
      [{ ...client, settings: { ...PLAIN, ...settings } }],
      network.namespace,
    );
    await until("the tracker has answered", () => /received peers/.test(running.stdout));
    return running;
  };
  const bridge = await start(operator, BRIDGE, { download_rate_limit: SLOW_BYTES });
  const closed = await start(operator, CLOSED, {});
  await until("it is closed", () => has(scene, "hosts4", CLOSED));
  // The outside knows the subscribers from elsewhere, and the seed connects to them.
  for (const from of [BRIDGE, CLOSED])
    await operator.announce(other.url, [{ infoHash: torrent.infoHash, port: PORT, from }]);
  const seed = await start(outside, SEED, {}, true);
  return { torrent, bridge, closed, seed };
}

test("a tracker whose gate is off says so", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { core: namespace } = new Internet(bed);
  await TrackerProcess.start(bed, CONFIG.replace("enabled: true", "enabled: false"), { namespace });
  const follower = runBtrt(bed, ["gate", "--follow", "--config", bed.path("btrt.conf")], { namespace });
  await until("it says so", () => follower.stderr !== "");
  assert.match(follower.stderr, /HTTP 409: gate.enabled is off\n$/);
});

test("who is no bridge is closed at the router, within seconds, and open when the bridge leaves", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await build(await Bed.open(t));
  const { operator, outside, tracker } = scene;
  const infoHash = Buffer.alloc(20, "a");
  const announce = (from: string, more = {}) =>
    (from === SEED ? outside : operator).announce(tracker.url, [
      { infoHash, port: PORT, from, left: 1 << 20, ...more },
    ]);
  await announce(SEED, { left: 0 });
  await announce(BRIDGE);
  await announce(CLOSED);
  // The router gets each list in an event of its own.
  const inBoth = () => [has(scene, "closed4", `${CLOSED} . ${PORT}`), has(scene, "hosts4", CLOSED)];
  await until("it is closed", () => inBoth().every(Boolean));
  await until("the seed is far", () => has(scene, "far4", `${SEED} . ${PORT}`));
  assert.equal(has(scene, "closed4", `${BRIDGE} . ${PORT}`), false);
  await announce(BRIDGE, { event: "stopped" });
  await until("it is open", () => !inBoth().some(Boolean));
});

test("clients behind the router are refused, and get everything when the tracker is gone", {
  skip,
  timeout: 240_000,
}, async (t) => {
  const scene = await build(await Bed.open(t));
  const { bed, router, tracker } = scene;
  const { torrent, bridge } = await startClients(scene);
  const refused = () => {
    const counters = readCounters(router);
    return counters[counterName("refusedEndpointIn")] + counters[counterName("refusedHandshakeIn")];
  };
  await until("the seed has been refused", () => refused() > 0);
  const isDone = () => torrent.isCompleteIn(bed.path(CLOSED));
  assert.equal(await isDone(), false);

  await tracker.process.stop("SIGKILL");
  await until("everything is open", () => !isAlive(scene));
  await bridge.stop("SIGKILL");
  await until("it is complete", isDone);
  assert.equal(scene.follower.end, undefined);
});

test("the counters of handshakes are what a capture shows", { skip, timeout: 240_000 }, async (t) => {
  const scene = await build(await Bed.open(t));
  const { bed, router } = scene;
  const capture = await HandshakeCapture.start(bed, router);
  const clients = await startClients(scene);
  const counted = () => {
    const counters = readCounters(router);
    const names = [
      "seenHandshakeOut",
      "refusedHandshakeOut",
      "seenHandshakeIn",
      "refusedHandshakeIn",
    ] as const;
    return names.map((name) => counters[counterName(name)]);
  };
  const captured = () => {
    const all = capture.handshakes;
    const out = all.filter(({ destination }) => destination === SEED);
    const back = all.filter(({ source }) => source === SEED);
    const refused = [
      out.filter(({ source }) => source === CLOSED),
      back.filter(({ destination }) => destination === CLOSED),
    ];
    return [out.length, refused[0].length, back.length, refused[1].length];
  };
  await until("handshakes of one subscriber have passed, of the other not", () => {
    const [out, refusedOut, back, refusedBack] = captured();
    return refusedOut + refusedBack > 0 && out + back > refusedOut + refusedBack;
  });
  for (const client of [clients.bridge, clients.closed, clients.seed]) await client.stop("SIGKILL");
  await until("both agree", () => counted().join() === captured().join()).catch(() => {});
  assert.deepEqual(counted(), captured());
});
