import assert from "node:assert/strict";
import { test } from "node:test";
import { toolsMissing } from "../tools.ts";
import { announce, type Counts, scrape } from "./announce.ts";
import { Bed, freePort, until } from "./bed.ts";
import { CLIENT_KINDS, type ClientKind } from "./clients.ts";
import { makeTorrent } from "./torrent.ts";
import { TrackerProcess } from "./tracker-process.ts";

const HOST = "127.0.0.1";
const { aria2, rtorrent, libtorrent } = CLIENT_KINDS;

/** Each kind once at each end. */
const TRANSFERS: readonly (readonly [seeder: ClientKind, leecher: ClientKind])[] = [
  [aria2, rtorrent],
  [rtorrent, libtorrent],
  [libtorrent, aria2],
];

test("real clients fetch a file from each other, introduced by the tracker", {
  skip: toolsMissing(["aria2", "rtorrent", "python3-libtorrent"]),
  timeout: 60_000,
  concurrency: true,
}, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, `listen: { http: ["${HOST}:0"] }\n`);
  await Promise.all(
    TRANSFERS.map(([seeder, leecher]) =>
      t.test(`from ${seeder.name} to ${leecher.name}`, () => transfer(bed, tracker.url, seeder, leecher)),
    ),
  );
  assert.equal(await tracker.stop(), 0);
});

async function transfer(bed: Bed, url: string, seeder: ClientKind, leecher: ClientKind): Promise<void> {
  const torrent = await makeTorrent(bed.directory, `${seeder.name}-${leecher.name}`, url);
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
  await counted({ complete: 0, incomplete: 0, downloaded: 0 }); // an empty swarm is forgotten
}
