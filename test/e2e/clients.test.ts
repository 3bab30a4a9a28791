import assert from "node:assert/strict";
import { test } from "node:test";
import { WITHOUT_IPV6 } from "../../src/engine/conformance/loopback.ts";
import { announce, type Counts, scrape } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { CLIENT_KINDS, type ClientKind } from "../support/clients.ts";
import { freePort } from "../support/free-port.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent } from "../support/torrent.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const HOST = "127.0.0.1";
const { aria2, rtorrent, libtorrent } = CLIENT_KINDS;

/** Each kind of client once at each end. */
const TRANSFERS: readonly (readonly [seeder: ClientKind, leecher: ClientKind])[] = [
  [aria2, rtorrent],
  [rtorrent, libtorrent],
  [libtorrent, aria2],
];

/** Over UDP without aria2, which announces over UDP only as part of its DHT. */
const UDP_TRANSFERS: typeof TRANSFERS = [
  [rtorrent, libtorrent],
  [libtorrent, rtorrent],
];

test("real clients fetch a file from each other, introduced by the tracker", {
  skip: toolsMissing(["aria2", "rtorrent", "python3-libtorrent"]),
  timeout: 300_000,
  concurrency: true,
}, async (t) => {
  const bed = await Bed.open(t);
  const listen = `listen: { http: ["${HOST}:0"], udp: ["${HOST}:0"] }\n`;
  const tracker = await TrackerProcess.start(bed, listen);
  const run = (transfers: typeof TRANSFERS, announced: string) =>
    transfers.map(([seeder, leecher]) =>
      t.test(
        `from ${seeder.name} to ${leecher.name}, over ${announced.slice(0, announced.indexOf(":"))}`,
        () => transfer(bed, announced, tracker.url, seeder, leecher),
      ),
    );
  await Promise.all([...run(TRANSFERS, tracker.url), ...run(UDP_TRANSFERS, tracker.udpUrls[0])]);
  assert.equal(await tracker.stop(), 0);
});

test("an IPv6 client fetches a file from another over UDP", {
  skip: WITHOUT_IPV6 || toolsMissing(["python3-libtorrent"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, `listen: { http: ["[::1]:0"], udp: ["[::]:0"] }\n`);
  const url = tracker.udpUrls[0].replace("[::]", "[::1]");
  const torrent = await makeTorrent(bed.directory, "ipv6", url);
  const directory = bed.path("ipv6.leech");
  const common = { torrent, address: "::1" };
  const seederPort = await freePort();
  await libtorrent.start(bed, { ...common, directory: torrent.seedDirectory, port: seederPort, seed: true });
  await libtorrent.start(bed, { ...common, directory, port: await freePort(), seed: false });
  await until("the payload has arrived", () => torrent.isCompleteIn(directory));
  const { peers, peers6 } = await announce(tracker.url, { infoHash: torrent.infoHash, port: 9 });
  assert.deepEqual(peers, []);
  assert.ok(peers6.includes(`[0:0:0:0:0:0:0:1]:${seederPort}`), String(peers6));
});

test("a client that knows only a magnet link, and announces that it has all, is introduced to a seeder", {
  skip: toolsMissing(["aria2", "python3-libtorrent"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, `listen: { http: ["${HOST}:0"], udp: ["${HOST}:0"] }\n`);
  const torrent = await makeTorrent(bed.directory, "magnet", tracker.url);
  const common = { torrent, address: HOST };
  await libtorrent.start(bed, {
    ...common,
    directory: torrent.seedDirectory,
    port: await freePort(),
    seed: true,
  });
  await until("it seeds", async () => (await scrape(tracker.url, torrent.infoHash)).complete === 1);
  const magnet = `magnet:?xt=urn:btih:${torrent.infoHash.toString("hex")}&tr=${encodeURIComponent(tracker.url)}`;
  const directory = bed.path("magnet.leech");
  await aria2.start(bed, {
    ...common,
    torrent: { ...torrent, path: magnet },
    directory,
    port: await freePort(),
    seed: false,
  });
  await until("the payload has arrived", () => torrent.isCompleteIn(directory));
});

test("a client at port 1, where nobody is, is answered, and nobody is given it", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, `listen: { http: ["${HOST}:0"], udp: ["${HOST}:0"] }\n`);
  const infoHash = Buffer.alloc(20, 7);
  await announce(tracker.url, { infoHash, port: 7001, left: 0 });
  const { complete, incomplete, peers } = await announce(tracker.url, { infoHash, port: 1 });
  assert.deepEqual([complete, incomplete, peers], [1, 0, [`${HOST}:7001`]]);
  const other = await announce(tracker.url, { infoHash, port: 7002 });
  assert.deepEqual(other.peers, [`${HOST}:7001`]);
});

/**
 * Has a client fetch a file from another.
 * @param announced the tracker's URL in the torrent. @param url the same tracker's, over HTTP.
 */
async function transfer(
  bed: Bed,
  announced: string,
  url: string,
  seeder: ClientKind,
  leecher: ClientKind,
): Promise<void> {
  const name = `${seeder.name}-${leecher.name}-${new URL(announced).protocol.slice(0, -1)}`;
  const torrent = await makeTorrent(bed.directory, name, announced);
  const counted = async (wanted: Counts) => {
    let seen: Counts | undefined;
    const asWanted = async () => {
      seen = await scrape(url, torrent.infoHash);
      return JSON.stringify(seen) === JSON.stringify(wanted);
    };
    await until(`counts are ${JSON.stringify(wanted)}`, asWanted).catch(() => {
      assert.deepEqual(seen, wanted);
    });
  };

  const [seederPort, leecherPort] = [await freePort(), await freePort()];
  const common = { torrent, address: HOST };
  const seeding = await seeder.start(bed, {
    ...common,
    directory: torrent.seedDirectory,
    port: seederPort,
    seed: true,
  });
  await counted({ complete: 1, incomplete: 0, downloaded: 0 });

  const directory = bed.path(`${torrent.fileName}.leech`);
  const leeching = await leecher.start(bed, { ...common, directory, port: leecherPort, seed: false });
  await until("the payload has arrived", () => torrent.isCompleteIn(directory));
  await counted({ complete: 2, incomplete: 0, downloaded: 1 });

  const asked = await announce(url, { infoHash: torrent.infoHash, port: 9 });
  assert.deepEqual([asked.complete, asked.incomplete], [2, 1]);
  assert.deepEqual(asked.peers.toSorted(), [`${HOST}:${seederPort}`, `${HOST}:${leecherPort}`].toSorted());
  const seederAsked = await announce(url, {
    infoHash: torrent.infoHash,
    port: 9,
    left: 0,
    event: "completed",
  });
  assert.deepEqual([seederAsked.complete, seederAsked.incomplete], [3, 0]);
  assert.deepEqual(seederAsked.peers, [], "no seeders for a seeder");
  await announce(url, { infoHash: torrent.infoHash, port: 9, left: 0, event: "stopped" });
  await counted({ complete: 2, incomplete: 0, downloaded: 2 });

  await Promise.all([seeding.stop(seeder.stopSignal), leeching.stop(leecher.stopSignal)]);
  // Over UDP, a client that ends does not always wait for the connection id that its last announce needs.
  if (announced !== url) return;
  await counted({ complete: 0, incomplete: 0, downloaded: 0 }); // an empty swarm is removed
}
