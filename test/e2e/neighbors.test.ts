/**
 * Neighbors, end to end: an operator and a partner, each with a tracker and clients, and an outside network. The
 * operator's tracker asks the partner's. Its clients fetch from the partner's clients, and never from outside while
 * these have the file.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Bed, until } from "../support/bed.ts";
import { CLIENT_KINDS, startLibtorrents } from "../support/clients.ts";
import { Internet, type Network, namespacesMissing } from "../support/networks.ts";
import { startOpentracker } from "../support/opentracker.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent, type Torrent } from "../support/torrent.ts";
import { TrackerProcess } from "../support/tracker-process.ts";
import { Traffic } from "../support/traffic.ts";

const PORT = 6969;
const CLIENT_PORT = 6881;
const OPERATOR = { prefix: "203.0.113.0/24", tracker: "203.0.113.1", clients: "203.0.113" };
const PARTNER = { prefix: "198.18.0.0/24", tracker: "198.18.0.1", clients: "198.18.0" };
const OUTSIDE = { prefix: "198.51.100.0/24", clients: "198.51.100" };
/** The addresses from which both trackers ask: on the links of their networks. */
const ASKING = "198.19.1.2";
const PARTNER_ASKING = "198.19.2.2";
/** Addresses of trackers, which no peer has. */
const TRACKERS = [ASKING, PARTNER_ASKING, OPERATOR.tracker, PARTNER.tracker];

const URL = `http://${OPERATOR.tracker}:${PORT}/announce`;
const PARTNER_URL = `http://${PARTNER.tracker}:${PORT}/announce`;
const REQUEST = `${PARTNER_URL}?info_hash={info_hash}&peer_id={peer_id}&port={port}&uploaded=0&downloaded=0&left=4194304&compact=1&numwant={numwant}`;
const UDP_REQUEST = `udp://${PARTNER.tracker}:${PORT}/announce`;

/** A tracker's configuration: its address, the near networks, and more. */
function configuration(
  of: { tracker: string; prefix: string },
  other: { prefix: string },
  more: object,
): string {
  const keys = {
    listen: { http: [`${of.tracker}:${PORT}`], udp: [`${of.tracker}:${PORT}`] },
    peer_groups: [
      { name: "own", priority: 0, cidr_list: [of.prefix] },
      { name: "partner", priority: 1, cidr_list: [other.prefix] },
    ],
    selection: { policy: "bridged", patience: 10 },
    database: { url: `sqlite:${of.tracker}.db` },
    ...more,
  };
  return Object.entries(keys)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join("");
}

interface Scene {
  readonly bed: Bed;
  readonly internet: Internet;
  readonly operator: Network;
  readonly partner: Network;
  readonly outside: Network;
}

function build(bed: Bed): Scene {
  const internet = new Internet(bed);
  return {
    bed,
    internet,
    operator: internet.addNetwork("operator", [OPERATOR.prefix]),
    partner: internet.addNetwork("partner", [PARTNER.prefix]),
    outside: internet.addNetwork("outside", [OUTSIDE.prefix]),
  };
}

function startOwn(
  { bed, operator }: Scene,
  announceRequest: string,
  more: object = {},
): Promise<TrackerProcess> {
  const neighbors = [{ name: "partner", announce_request: announceRequest, source: [PARTNER_ASKING] }];
  const config = configuration(OPERATOR, PARTNER, { neighbors, ...more });
  return TrackerProcess.start(bed, config, { namespace: operator.namespace, name: "own" });
}

async function startPartners({ bed, partner }: Scene): Promise<TrackerProcess> {
  // It also asks the operator's tracker, and knows that requests from that address are a tracker's.
  const announceRequest = REQUEST.replace(PARTNER.tracker, OPERATOR.tracker);
  const neighbors = [{ name: "operator", announce_request: announceRequest, source: [ASKING] }];
  const config = configuration(PARTNER, OPERATOR, { neighbors });
  return TrackerProcess.start(bed, config, { namespace: partner.namespace, name: "partner" });
}

/** The peers that a client of a network gets. It leaves at once. */
async function told(network: Network, from: string, url: string, infoHash: Uint8Array): Promise<string[]> {
  const asked = { infoHash, from, port: 9 };
  const [{ peers }] = await network.announce(url, [asked, { ...asked, event: "stopped" }]);
  return peers;
}

function assertNoTrackers(peers: readonly string[]): void {
  assert.deepEqual(
    peers.filter((peer) => TRACKERS.includes(peer.slice(0, peer.lastIndexOf(":")))),
    [],
  );
}

/** Three complete copies at the partner's and one outside. Then clients of the operator fetch the file. */
async function fetchFromPartner(scene: Scene, torrent: Torrent): Promise<void> {
  const { bed, internet, operator, partner, outside } = scene;
  const { infoHash, seedDirectory } = torrent;
  const client = (network: string, host: number, directory?: string) => ({
    torrent,
    directory: directory ?? bed.path(`${network}.${host}`),
    address: `${network}.${host}`,
    port: CLIENT_PORT,
    seed: directory !== undefined,
  });
  const flows = {
    from_partner: { from: PARTNER.prefix, to: OPERATOR.prefix },
    from_outside: { from: OUTSIDE.prefix, to: OPERATOR.prefix },
    to_outside: { from: OPERATOR.prefix, to: OUTSIDE.prefix },
  };
  const traffic = new Traffic(internet, flows, PORT);
  const theirs = [10, 11, 12, 13, 14, 15, 16, 17].map((host) => client(PARTNER.clients, host, seedDirectory));
  const announcedThere = await torrent.withTracker("theirs", PARTNER_URL);
  await startLibtorrents(
    bed,
    theirs.map((each) => ({ ...each, torrent: announcedThere })),
    partner.namespace,
  );
  const seeders = theirs.map(({ address }) => `${address}:${CLIENT_PORT}`);
  await until("the partner's tracker has its seeders", async () => {
    const known = await told(partner, `${PARTNER.clients}.200`, PARTNER_URL, infoHash);
    return seeders.every((each) => known.includes(each));
  });

  const far = client(OUTSIDE.clients, 10, seedDirectory);
  await startLibtorrents(bed, [far], outside.namespace);
  // It gets no peer at home, so it connects to none.
  await until("the operator's tracker has the one outside", async () => {
    const known = await told(outside, `${OUTSIDE.clients}.200`, URL, infoHash);
    return known.includes(`${far.address}:${CLIENT_PORT}`);
  });
  let known: string[] = [];
  await until("the operator's tracker has asked the partner's", async () => {
    known = await told(operator, `${OPERATOR.clients}.200`, URL, infoHash);
    return seeders.every((each) => known.includes(each));
  });
  assertNoTrackers(known);

  const leechers = [20, 21, 22].map((host) => client(OPERATOR.clients, host));
  await startLibtorrents(bed, leechers.slice(0, 2), operator.namespace);
  await CLIENT_KINDS.aria2.start(bed, leechers[2], operator.namespace);
  await until("every client of the operator has the payload", async () => {
    const complete = leechers.map(({ directory }) => torrent.isCompleteIn(directory));
    return (await Promise.all(complete)).every(Boolean);
  });
  assert.equal(traffic.bytes("to_outside"), 0, "nobody went outside");
  assert.equal(traffic.bytes("from_outside"), 0);
  assert.ok(traffic.bytes("from_partner") > 1024 * 1024, "at least one whole copy came from the partner");
}

const skip =
  toolsMissing(["aria2", "python3-libtorrent", "opentracker", "iproute2", "nftables"]) || namespacesMissing();
const options = { skip, timeout: 300_000 };

for (const [protocol, request] of [
  ["HTTP", REQUEST],
  ["UDP", UDP_REQUEST],
] as const) {
  test(`clients fetch from a partner's that has opentracker, asked over ${protocol}`, options, async (t) => {
    const scene = build(await Bed.open(t));
    const { bed, partner } = scene;
    const torrent = await makeTorrent(bed.directory, "payload", URL);
    await startOpentracker(bed, partner, PARTNER.tracker, PORT, [torrent.infoHash]);
    const own = await startOwn(scene, request);
    await fetchFromPartner(scene, torrent);
    assert.equal(await own.stop(), 0);
  });
}

test("clients fetch from a partner's that has BTRT, each asking the other", options, async (t) => {
  const scene = build(await Bed.open(t));
  const { bed, partner } = scene;
  const torrent = await makeTorrent(bed.directory, "payload", URL);
  const partners = await startPartners(scene);
  const own = await startOwn(scene, REQUEST);
  await fetchFromPartner(scene, torrent);
  // Each tracker asks the other. Learned peers are not counted by the other, and a tracker is never stored as a peer.
  const asked = { infoHash: torrent.infoHash, from: `${PARTNER.clients}.200`, port: 9 };
  const [answer] = await partner.announce(PARTNER_URL, [asked, { ...asked, event: "stopped" }]);
  assert.deepEqual([answer.complete, answer.incomplete], [8, 1], "its own seeders, and who asks");
  assertNoTrackers(answer.peers);
  assert.equal(await own.stop(), 0);
  assert.equal(await partners.stop(), 0);
});

test("the very first announce may wait for a neighbor's answer", options, async (t) => {
  const scene = build(await Bed.open(t));
  const { operator, partner } = scene;
  const infoHash = randomBytes(20);
  await startPartners(scene);
  const theirs = { infoHash, from: `${PARTNER.clients}.10`, port: CLIENT_PORT, left: 0 };
  await partner.announce(PARTNER_URL, [theirs]);
  await startOwn(scene, UDP_REQUEST, { tracker: { neighbors_wait: 10 } });
  const ours = { infoHash, from: `${OPERATOR.clients}.20`, port: CLIENT_PORT };
  const [{ peers, complete, incomplete }] = await operator.announce(URL, [ours]);
  assert.deepEqual(peers, [`${PARTNER.clients}.10:${CLIENT_PORT}`]);
  assert.deepEqual([complete, incomplete], [0, 1], "peers of neighbors are not counted");
});
