/** Who takes part in a run, when they arrive, and what they have. */
import { join } from "node:path";
import type { Client, ClientTorrent } from "./clients.ts";
import { ARRIVE, type ClientSettings, type Crew, type NetworkPlan, type Scenario } from "./scenario.ts";
import { trackerUrls } from "./services.ts";
import type { Site } from "./site.ts";
import { fractions } from "./statistics.ts";
import type { Topology } from "./topology.ts";
import { makeTorrent, type Torrent } from "./torrent.ts";

/** What clients are planned from. */
export interface ClientsPlan {
  readonly scenario: Scenario;
  /** Runs of the same number have the same arrivals. */
  readonly repetition: number;
  readonly settings: ClientSettings;
  readonly topology: Topology;
  readonly torrents: readonly Torrent[];
  /** The ports of the trackers under test. The clients of each network are spread over them. */
  readonly ports: readonly number[];
}

/** The torrent that the run is about, and perhaps the second. */
export async function makeTorrents(site: Site, { megabytes, second }: Scenario): Promise<Torrent[]> {
  const first = await makeTorrent(site.directory, "payload", megabytes);
  if (second === undefined) return [first];
  return [first, await makeTorrent(site.directory, "second", second.megabytes)];
}

/** All clients of a scenario. The metainfo files that they need are written. */
export async function planClients(site: Site, plan: ClientsPlan): Promise<Client[]> {
  const { scenario, repetition, topology } = plan;
  const random = fractions(`${scenario.name} ${repetition}`);
  const all: Client[] = [];
  for (const network of scenario.networks) {
    const { namespace, addresses } = topology.network(network.name);
    const offers = await Promise.all(plan.ports.map((port) => torrentsOf(network, plan, port)));
    const crews = network.crews.flatMap((crew) => Array<Crew>(crew.clients).fill(crew));
    for (const [i, crew] of crews.entries()) {
      const [from, to] = crew.arrive ?? ARRIVE;
      const name = `${network.name}-${i}`;
      all.push({
        name,
        network: network.name,
        namespace,
        address: addresses[i],
        crew,
        at: from + random() * (to - from),
        torrents: offers[i % offers.length].map(({ payload, ...torrent }, number) => ({
          ...torrent,
          directory: crew.seed ? payload : join(site.path(name), String(number)),
        })),
        announces: 0,
        seconds: [],
        gone: false,
      });
    }
  }
  return all;
}

/** The torrents of a network's clients that announce to this port, and the directory where each file is. */
async function torrentsOf(
  network: NetworkPlan,
  { scenario, settings, topology, torrents }: ClientsPlan,
  port: number,
): Promise<(Omit<ClientTorrent, "directory"> & { readonly payload: string })[]> {
  const offers = torrents.map(async (torrent, i) => {
    const isUnknown = i > 0 && scenario.second?.known === "unknown";
    const urls = trackerUrls(topology, settings, network.publicOnly === true || isUnknown, port);
    const metainfo = await torrent.withTrackers(`${network.name}-${i}-${port}`, urls);
    return { metainfo, trackers: urls.length, payload: torrent.payloadDirectory };
  });
  return await Promise.all(offers);
}
