/** Checks which peers real clients in three networks get, and in which order, on the wire. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Announce } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { Capture } from "../support/capture.ts";
import { CLIENT_KINDS, startLibtorrents } from "../support/clients.ts";
import { Internet, type Network, namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent } from "../support/torrent.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const PORT = 6969;

/**
 * Two groups of the operator have the same priority and overlap: the longer prefix counts. Elsewhere, 198.51.100.0/24
 * and 2001:db8:3::/48, is in no group.
 */
const CONFIG = `
listen: { http: ["192.0.2.1:${PORT}", "[2001:db8::1]:${PORT}"], udp: [] }
selection: { policy: nearest }
peer_groups:
  - { name: operator, priority: 0, cidr_list: [203.0.113.0/24, 10.1.0.0/16, "2001:db8:1::/48"] }
  - { name: operator east, priority: 0, cidr_list: [203.0.113.128/25] }
  - name: partner
    priority: 1
    cidr_list: [198.18.0.0/24, 10.2.0.0/16, "2001:db8:2::/48"]
    reachable_from: [operator]
`;

type Place = "west" | "east" | "partner" | "elsewhere";

/** The distance of each network, for all requesters. */
const TIER: Readonly<Record<Place, number>> = { west: 0, east: 0, partner: 1, elsewhere: 2 };

function placeOf(peer: string): Place {
  const [, network, last] = /^(.*)\.(\d+):\d+$/.exec(peer) ?? [];
  if (network === "203.0.113") return Number(last) < 128 ? "west" : "east";
  if (network === "198.18.0") return "partner";
  assert.equal(network, "198.51.100", peer);
  return "elsewhere";
}

/**
 * Checks the answer to one peer: nearest first, its own group before others of its priority, not itself, no peer twice.
 */
function assertOrder(requester: string, peers: readonly string[]): void {
  const own = placeOf(requester);
  const ranks = peers.map(placeOf).map((place) => 2 * TIER[place] + (place === own ? 0 : 1));
  assert.deepEqual(
    ranks,
    ranks.toSorted((a, b) => a - b),
    `${requester} was told ${peers}`,
  );
  assert.ok(!peers.includes(requester), `${requester} was told of itself`);
  assert.equal(new Set(peers).size, peers.length, `${requester} was told of a peer twice`);
}

interface Scene {
  readonly internet: Internet;
  readonly operator: Network;
  readonly partner: Network;
  readonly elsewhere: Network;
  readonly tracker: TrackerProcess;
}

async function build(bed: Bed): Promise<Scene> {
  const internet = new Internet(bed);
  const operator = internet.addNetwork("operator", ["203.0.113.0/24", "10.1.0.0/16", "2001:db8:1::/48"]);
  const partner = internet.addNetwork("partner", ["198.18.0.0/24", "10.2.0.0/16", "2001:db8:2::/48"]);
  const elsewhere = internet.addNetwork("elsewhere", ["198.51.100.0/24", "10.3.0.0/16", "2001:db8:3::/48"]);
  const tracker = await TrackerProcess.start(bed, CONFIG, { namespace: internet.core });
  return { internet, operator, partner, elsewhere, tracker };
}

/** Announces of leechers, all with the same port. */
function leechers(infoHash: Uint8Array, addresses: readonly string[], port = 7000): Announce[] {
  return addresses.map((from) => ({ infoHash, from, port, event: "started", numWant: 0 }));
}

function hosts(network: string, first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${network}.${first + i}`);
}

const skip = toolsMissing(["aria2", "python3-libtorrent", "iproute2"]) || namespacesMissing();

test("real clients are told of the nearest peers first", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { internet, operator, partner, elsewhere, tracker } = await build(bed);
  const torrent = await makeTorrent(bed.directory, "payload", tracker.url);
  const { infoHash } = torrent;
  const far = hosts("198.51.100", 20, 20);
  const near = [...hosts("203.0.113", 20, 10), ...hosts("203.0.113", 150, 10)];
  const between = hosts("198.18.0", 20, 20);
  await elsewhere.announce(tracker.url, leechers(infoHash, far));
  await operator.announce(tracker.url, leechers(infoHash, near));
  await partner.announce(tracker.url, leechers(infoHash, between));

  const capture = await Capture.start(bed, internet.core, PORT);
  const places = [
    { network: elsewhere, prefix: "198.51.100" },
    { network: partner, prefix: "198.18.0" },
    { network: operator, prefix: "203.0.113" },
  ];
  const directories: string[] = [];
  const clients: string[] = [];
  const client = (address: string, seed = false) => {
    const directory = seed ? torrent.seedDirectory : bed.path(address);
    directories.push(directory);
    clients.push(`${address}:6881`);
    return { torrent, directory, address, port: 6881, seed };
  };
  for (const [i, { network, prefix }] of places.entries()) {
    const { namespace } = network;
    await startLibtorrents(bed, [client(`${prefix}.10`, i === 0), client(`${prefix}.130`)], namespace);
    await CLIENT_KINDS.aria2.start(bed, client(`${prefix}.11`), namespace);
  }
  await until("every client has the payload", async () => {
    const complete = await Promise.all(directories.map((directory) => torrent.isCompleteIn(directory)));
    return complete.every(Boolean);
  });
  const exchanges = await capture.stop();
  for (const peer of clients) {
    const [first, ...others] = exchanges.filter((exchange) => exchange.peer === peer);
    for (const { answer } of [first, ...others]) assertOrder(peer, answer.peers);
    const wanted = Number(first.query.get("numwant"));
    const { peers } = first.answer;
    assert.ok(
      peers.length === wanted || peers.length >= 60,
      `${peer} wanted ${wanted} and got ${peers.length}`,
    );
    for (const known of [...near, ...between].map((address) => `${address}:7000`)) {
      assert.ok(peers.includes(known), `${peer} was told of peers elsewhere, and not of ${known}`);
    }
  }
  const agents = exchanges.map(({ agent }) => agent).join();
  assert.match(agents, /aria2/);
  assert.match(agents, /libtorrent/);
});

test("who wants few peers is told only of the nearest", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { operator, partner, elsewhere, tracker } = await build(bed);
  const infoHash = randomBytes(20);
  await elsewhere.announce(tracker.url, leechers(infoHash, hosts("198.51.100", 20, 6)));
  await partner.announce(tracker.url, leechers(infoHash, hosts("198.18.0", 20, 6)));
  await operator.announce(
    tracker.url,
    leechers(infoHash, [...hosts("203.0.113", 20, 6), ...hosts("203.0.113", 150, 6)]),
  );
  const told = async (network: Network, from: string, numWant: number) => {
    const asked = { infoHash, from, port: 9, numWant };
    const [{ peers }] = await network.announce(tracker.url, [asked, { ...asked, event: "stopped" }]);
    assertOrder(`${from}:9`, peers);
    const counts = { west: 0, east: 0, partner: 0, elsewhere: 0 };
    for (const peer of peers) counts[placeOf(peer)]++;
    return counts;
  };
  const none = { west: 0, east: 0, partner: 0, elsewhere: 0 };
  assert.deepEqual(await told(operator, "203.0.113.5", 6), { ...none, west: 6 });
  assert.deepEqual(await told(operator, "203.0.113.205", 8), { ...none, east: 6, west: 2 });
  assert.deepEqual(await told(operator, "203.0.113.5", 14), { ...none, west: 6, east: 6, partner: 2 });
  assert.deepEqual(await told(partner, "198.18.0.5", 15), { ...none, west: 6, east: 6, partner: 3 });
  assert.deepEqual(await told(elsewhere, "198.51.100.5", 20), { west: 6, east: 6, partner: 6, elsewhere: 2 });
});

test("private addresses go to their own group, and where it can be reached from", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const { operator, partner, elsewhere, tracker } = await build(bed);
  const infoHash = randomBytes(20);
  await operator.announce(tracker.url, leechers(infoHash, ["203.0.113.20", "10.1.0.20"]));
  await partner.announce(tracker.url, leechers(infoHash, ["198.18.0.20", "10.2.0.20"]));
  await elsewhere.announce(tracker.url, leechers(infoHash, ["198.51.100.20", "10.3.0.20"]));
  const told = async (network: Network, from: string) => {
    const asked = { infoHash, from, port: 9 };
    const [{ peers }] = await network.announce(tracker.url, [asked, { ...asked, event: "stopped" }]);
    return peers.map((peer) => peer.replace(":7000", "")).toSorted();
  };
  const everywhere = ["198.18.0.20", "198.51.100.20", "203.0.113.20"];
  assert.deepEqual(await told(operator, "203.0.113.5"), ["10.1.0.20", "10.2.0.20", ...everywhere]);
  assert.deepEqual(await told(operator, "10.1.0.5"), ["10.1.0.20", "10.2.0.20", ...everywhere]);
  assert.deepEqual(await told(operator, "203.0.113.205"), everywhere);
  assert.deepEqual(await told(partner, "198.18.0.5"), ["10.2.0.20", ...everywhere]);
  assert.deepEqual(await told(elsewhere, "198.51.100.5"), ["10.3.0.20", ...everywhere]);
});

test("IPv6 peers are told nearest first as well", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { operator, partner, elsewhere, tracker } = await build(bed);
  const infoHash = randomBytes(20);
  const url = tracker.urls[1];
  const eight = (network: string) => Array.from({ length: 8 }, (_, i) => `${network}::${i + 1}`);
  await elsewhere.announce(url, leechers(infoHash, eight("2001:db8:3")));
  await partner.announce(url, leechers(infoHash, eight("2001:db8:2")));
  await operator.announce(url, leechers(infoHash, eight("2001:db8:1")));
  const [answer] = await partner.announce(url, [{ infoHash, from: "2001:db8:2::1", port: 7000 }]);
  const networks = answer.peers6.map((peer) => /^\[2001:db8:(\d):/.exec(peer)?.[1]).join("");
  assert.equal(networks, "11111111222222233333333");
  assert.deepEqual(answer.peers, []);
});
