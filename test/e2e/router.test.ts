/**
 * Real clients behind a router that enforces the list: the bytes of a listed torrent that cross it, that downloads
 * complete nevertheless, and that the list on the router expires when it is not renewed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Bed, type Process, until } from "../support/bed.ts";
import {
  CLIENT_KINDS,
  PLAIN_LIBTORRENT as PLAIN,
  startLibtorrents,
  UTP_LIBTORRENT,
} from "../support/clients.ts";
import { Internet, type Network, namespacesMissing } from "../support/networks.ts";
import { hashElement, nft, readCounters } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent, type Torrent } from "../support/torrent.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";
import { type Handshake, HandshakeCapture, type Transfer } from "./handshakes.ts";

const skip = toolsMissing(["aria2", "python3-libtorrent", "nftables", "iproute2"]) || namespacesMissing();

const CONFIG = `
listen: { http: ["192.0.2.1:6969", "[2001:db8::1]:6969"], udp: [] }
selection: { policy: nearest }
peer_groups:
  - { name: operator, priority: 0, cidr_list: [203.0.113.0/24, "2001:db8:1::/48"] }
`;

/** One complete copy is enough, and a list is valid for ten seconds. */
const LISTING = `
hashlist: { interval: 5, min_complete: 1, min_peers: 1, min_dwell: 0, router_counters: counters.json }
admin: { listen: "127.0.0.1:6970" }
`;

/** The cron job, more often: loads the list on the router, and writes the counters. */
const FEED = `
while sleep 1; do
  "$1" "$2" hashlist --format nftables --config "$0" | nft -f -
  nft -j list counters table inet btrt > counters.new && mv counters.new counters.json
done
`;

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const PORT = 6881;
const OPERATOR = "203.0.113.";
const OUTSIDE = "198.51.100.";
const OPERATOR6 = "2001:db8:1::";
const OUTSIDE6 = "2001:db8:3::";
/** Far less than a block: the bytes that cross the router are no part of a file. */
const NOTHING_BYTES = 4096;

const BOTH = { ...PLAIN, ...UTP_LIBTORRENT };
const UTP = { ...BOTH, enable_incoming_tcp: false, enable_outgoing_tcp: false };

interface Scene {
  readonly bed: Bed;
  /** The router's namespace, where the tracker runs, too. */
  readonly router: string;
  readonly operator: Network;
  readonly outside: Network;
  readonly tracker: TrackerProcess;
}

async function build(bed: Bed, config = CONFIG): Promise<Scene> {
  const internet = new Internet(bed);
  const operator = internet.addNetwork("operator", ["203.0.113.0/24", "2001:db8:1::/48"]);
  const outside = internet.addNetwork("outside", ["198.51.100.0/24", "2001:db8:3::/48"]);
  const router = internet.core;
  const tracker = await TrackerProcess.start(bed, config, { namespace: router });
  const apply = runBtrt(bed, ["nftables", "--config", bed.path("btrt.conf"), "--apply"], {
    namespace: router,
  });
  assert.equal(await apply.ended, 0, apply.stderr);
  return { bed, router, operator, outside, tracker };
}

/** A client of one torrent. */
interface Client {
  readonly process: Process;
  readonly isComplete: () => Promise<boolean>;
}

/** Starts libtorrent at an address. */
async function startLibtorrent(
  { bed, operator, outside }: Scene,
  torrent: Torrent,
  address: string,
  options: { readonly seed?: true; readonly settings: Record<string, number | boolean> },
): Promise<Client> {
  const directory = options.seed ? torrent.seedDirectory : bed.path(`${torrent.fileName}-${address}`);
  const client = {
    torrent,
    directory,
    address,
    port: PORT,
    seed: options.seed ?? false,
    settings: options.settings,
  };
  const { namespace } = [OPERATOR, OPERATOR6].some((own) => address.startsWith(own)) ? operator : outside;
  const process = await startLibtorrents(bed, [client], namespace);
  return { process, isComplete: () => torrent.isCompleteIn(directory) };
}

async function startAria2({ bed, operator }: Scene, torrent: Torrent, address: string): Promise<Client> {
  const directory = bed.path(`${torrent.fileName}-${address}`);
  const client = { torrent, directory, address, port: PORT, seed: false };
  const process = await CLIENT_KINDS.aria2.start(bed, client, operator.namespace);
  return { process, isComplete: () => torrent.isCompleteIn(directory) };
}

/** Waits until the tracker has answered a libtorrent client. */
async function announced(client: Client): Promise<void> {
  await until("the tracker has answered", () => /received peers/.test(client.process.stdout));
}

async function allComplete(clients: readonly Client[]): Promise<void> {
  await until("every client has the payload", async () => {
    return (await Promise.all(clients.map((client) => client.isComplete()))).every(Boolean);
  });
}

/** Puts a torrent on the router's list, as the tracker's list does. */
function list(router: string, { infoHash }: Torrent): void {
  nft(router, ["add", "element", "inet", "btrt", "hashes", `{ ${hashElement(infoHash)} }`]);
}

/** The expected counters of the router for these handshakes. */
function tally(handshakes: readonly Handshake[], listed: Torrent) {
  const refused = listed.infoHash.toString("hex");
  const count = (from: string, to: string, wanted = (_: Handshake) => true) =>
    handshakes
      .filter(({ source, destination }) => source.startsWith(from) && destination.startsWith(to))
      .filter(wanted).length;
  return {
    seen_outgoing: count(OPERATOR, OUTSIDE),
    refused_outgoing: count(OPERATOR, OUTSIDE, ({ infoHash }) => infoHash === refused),
    seen_incoming: count(OUTSIDE, OPERATOR),
    refused_incoming: count(OUTSIDE, OPERATOR, ({ infoHash }) => infoHash === refused),
  };
}

/** Bytes received from one outside address. */
function bytesFrom(address: string, transfers: readonly Transfer[]): number {
  return transfers
    .filter(({ source, destination }) => source === address && destination.startsWith(OPERATOR))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

test("nothing of a listed torrent crosses the router, and downloads complete from a local copy; others cross", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await build(await Bed.open(t));
  const { bed, router, tracker } = scene;
  const listed = await makeTorrent(bed.directory, "listed", tracker.url);
  const other = await makeTorrent(bed.directory, "other", tracker.url);
  list(router, listed);
  const capture = await HandshakeCapture.start(bed, router);
  const seeds = [
    await startLibtorrent(scene, listed, `${OUTSIDE}10`, { seed: true, settings: BOTH }),
    await startLibtorrent(scene, other, `${OUTSIDE}11`, { seed: true, settings: BOTH }),
  ];
  for (const seed of seeds) await announced(seed);
  const start = async (torrent: Torrent, place: number) => [
    await startLibtorrent(scene, torrent, `${OPERATOR}${place}`, { settings: PLAIN }),
    await startLibtorrent(scene, torrent, `${OPERATOR}${place + 1}`, { settings: UTP }),
    await startAria2(scene, torrent, `${OPERATOR}${place + 2}`),
  ];
  const clients = await start(listed, 20);
  const others = await start(other, 40);
  await allComplete(others);
  // Each has been refused before there is a local copy.
  for (const place of [20, 21, 22]) await capture.until(`${OPERATOR}${place}`);
  const outsider = await startLibtorrent(scene, listed, `${OUTSIDE}12`, { settings: PLAIN });
  await until("somebody outside has tried", () => readCounters(router).refused_incoming > 0);
  const copy = await startLibtorrent(scene, listed, `${OPERATOR}30`, { seed: true, settings: BOTH });
  await allComplete([...clients, outsider]);

  for (const { process } of [...seeds, ...clients, ...others, outsider, copy]) await process.stop("SIGKILL");
  const transfers = await capture.stop();
  assert.deepEqual(readCounters(router), tally(capture.handshakes, listed));
  for (const address of [`${OUTSIDE}10`, `${OUTSIDE}12`]) {
    const bytes = bytesFrom(address, transfers);
    assert.ok(bytes < NOTHING_BYTES, `${address} has sent ${bytes} bytes of a listed torrent inside`);
  }
  assert.ok(bytesFrom(`${OUTSIDE}11`, transfers) > 1_000_000, "the other torrent's file came from outside");
});

test("the router follows the tracker's list, and forgets it when the tracker is killed", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await build(await Bed.open(t), CONFIG + LISTING);
  const { bed, router, tracker } = scene;
  const torrent = await makeTorrent(bed.directory, "coming and going", tracker.url);
  const isListed = () => nft(router, ["list", "set", "inet", "btrt", "hashes"]).includes("expires");
  const feeder = bed.run(["sh", "-c", FEED, bed.path("btrt.conf"), process.execPath, MAIN], router);
  const handshakes = async () => {
    const asked = runBtrt(bed, ["status", "--json", "--config", bed.path("btrt.conf")], {
      namespace: router,
    });
    await asked.ended;
    return JSON.parse(asked.stdout).handshakes;
  };
  await until("the tracker reads the counters", async () => (await handshakes()).length === 2);

  await announced(await startLibtorrent(scene, torrent, `${OUTSIDE}10`, { seed: true, settings: BOTH }));
  const slow = { ...BOTH, upload_rate_limit: 20_000 };
  const copy = await startLibtorrent(scene, torrent, `${OPERATOR}30`, { seed: true, settings: slow });
  await until("the torrent is listed", isListed);
  const client = await startLibtorrent(scene, torrent, `${OPERATOR}20`, { settings: PLAIN });
  await until("it has been refused", () => readCounters(router).refused_outgoing > 0);
  assert.equal(await client.isComplete(), false);

  await copy.process.stop("SIGTERM");
  await until("the torrent is not listed", () => !isListed());
  await allComplete([client]);
  await until("the tracker knows how many have been refused", async () => {
    const { refused_outgoing: refused } = readCounters(router);
    const out = (await handshakes()).find(({ direction }: { direction: string }) => direction === "out");
    return out.refused === refused;
  });

  await until("the torrent is listed again, as there is a complete copy", isListed);
  await tracker.process.stop("SIGKILL");
  await until("the router has forgotten it", () => !isListed());
  assert.equal(feeder.end, undefined);
});

test("an encrypted handshake is neither seen nor refused, as the rules say", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await build(await Bed.open(t));
  const { bed, router, tracker } = scene;
  const torrent = await makeTorrent(bed.directory, "encrypted", tracker.url);
  list(router, torrent);
  const settings = { ...BOTH, out_enc_policy: 0, in_enc_policy: 0, allowed_enc_level: 2 };
  await announced(await startLibtorrent(scene, torrent, `${OUTSIDE}10`, { seed: true, settings }));
  await allComplete([await startLibtorrent(scene, torrent, `${OPERATOR}20`, { settings })]);
  assert.equal(Math.max(...Object.values(readCounters(router))), 0);
});

test("aria2 and libtorrent as they come begin plainly, and are refused", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await build(await Bed.open(t));
  const { bed, router, tracker } = scene;
  const torrent = await makeTorrent(bed.directory, "default", tracker.url);
  list(router, torrent);
  const capture = await HandshakeCapture.start(bed, router);
  const settings = { enable_incoming_utp: true, enable_outgoing_utp: true };
  await announced(await startLibtorrent(scene, torrent, `${OUTSIDE}10`, { seed: true, settings }));
  const clients = [
    await startLibtorrent(scene, torrent, `${OPERATOR}20`, { settings }),
    await startAria2(scene, torrent, `${OPERATOR}21`),
  ];
  for (const place of [20, 21]) await capture.until(`${OPERATOR}${place}`);
  for (const client of clients) assert.equal(await client.isComplete(), false);
});

test("over IPv6 the same is refused", { skip, timeout: 300_000 }, async (t) => {
  const scene = await build(await Bed.open(t));
  const { bed, router, tracker } = scene;
  const torrent = await makeTorrent(bed.directory, "ipv6", tracker.urls[1]);
  list(router, torrent);
  const capture = await HandshakeCapture.start(bed, router);
  await announced(await startLibtorrent(scene, torrent, `${OUTSIDE6}10`, { seed: true, settings: BOTH }));
  const clients = [
    await startLibtorrent(scene, torrent, `${OPERATOR6}20`, { settings: PLAIN }),
    await startLibtorrent(scene, torrent, `${OPERATOR6}21`, { settings: UTP }),
  ];
  for (const place of [20, 21]) await capture.until(`${OPERATOR6}${place}`);
  await startLibtorrent(scene, torrent, `${OPERATOR6}30`, { seed: true, settings: BOTH });
  await allComplete(clients);
  const { seen_outgoing: seen, refused_outgoing: refused } = readCounters(router);
  assert.ok(refused >= 2);
  assert.equal(refused, seen);
});
