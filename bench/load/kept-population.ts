/** Writes populations to a database that trackers load. That is faster than to announce each peer. */
import { AnnounceRequest, AnnounceResponse } from "../../src/model/announce.ts";
import { GroupTotals } from "../../src/storage/group-totals.ts";
import { Storage, type StorageObserver } from "../../src/storage/storage.ts";
import { CONTROL_PLANE } from "../../src/store/shard-lock.ts";
import { allocateSwarmStore } from "../../src/store/store-memory.ts";
import { SwarmStore } from "../../src/store/swarm-store.ts";
import { TrackerFixture } from "../../src/tracker/tracker-fixture.ts";
import { addressOf, assignSwarms, infoHash, type Population, portOf } from "./population.ts";

const SHARDS = 16;

const SILENT: StorageObserver = {
  loading: () => {},
  loaded: () => {},
  saved: () => {},
  replaced: () => {},
  failed: (error) => {
    throw error;
  },
  recovered: () => {},
  rescued: () => {},
  gaveUp: (error) => {
    throw error;
  },
};

/** Stores a population of complete copies in a new SQLite file. */
export async function keepComplete(file: string, population: Population): Promise<void> {
  const store = allocateSwarmStore(population.peers, SHARDS, [1, 2]);
  const storage = new Storage(
    {
      database: { url: `sqlite:${file}`, user: "", password: null, schema: "", tls: false, tlsCa: null },
      store: new SwarmStore(store, CONTROL_PLANE),
      totals: new GroupTotals([]),
      saveIntervalMs: 1000,
      required: true,
      autoUpgrade: true,
      inactiveSeconds: 1,
      inactiveLimit: 1,
    },
    SILENT,
  );
  const fixture = new TrackerFixture({ store, groups: [] });
  fixture.clock.seconds = Math.floor(Date.now() / 1000);
  await storage.open(() => ({ groups: fixture.groups, peerExpiry: 3600, stallSeconds: 600 }));
  const request = new AnnounceRequest();
  const response = new AnnounceResponse();
  const swarmOf = assignSwarms(population);
  for (let peer = 0; peer < population.peers; peer++) {
    const hash = new DataView(infoHash(population, swarmOf[peer]).buffer);
    for (let i = 0; i < 5; i++) request.infoHash[i] = hash.getUint32(4 * i);
    request.address.setIPv4(new DataView(Uint8Array.from(addressOf(peer)).buffer).getUint32(0));
    request.port = portOf(population, peer);
    request.left = 0;
    request.numWant = 0;
    fixture.tracker.announce(request, response);
  }
  await storage.stop();
}
