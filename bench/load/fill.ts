/** Announces a population to a tracker, and checks that it is stored. */
import { showProgress } from "../progress.ts";
import type { Server } from "../servers/server.ts";
import { escapedInfoHash } from "./http-requests.ts";
import { decodeBody } from "./http-responses.ts";
import type { Load } from "./load.ts";
import { assignSwarms, type Population } from "./population.ts";

/** Swarms whose counts are checked. */
const CHECKED = 50;

/** How every peer is announced once: the fastest way for all servers. */
export const ONCE = { manner: "udp", seconds: null, sleeps: false } as const;

/**
 * Announces every peer once.
 * @throws Error if the tracker counts another number of peers in a swarm than was announced.
 */
export async function fill(load: Load, server: Server, population: Population): Promise<void> {
  showProgress(`${server.name}: ${population.peers} peers announce in ${population.swarms} swarms`);
  const requests = { kind: "fill", population } as const;
  const overHttp = server.closesConnections ? "close" : 1;
  const manner = server.udpPort === 0 ? overHttp : ONCE.manner;
  const { responses } = await load.perform(server, { ...ONCE, manner, requests });
  if (responses !== population.peers) throw new Error(`${responses} of ${population.peers} peers announced`);
  // aquatic_udp has no HTTP.
  if (server.port === 0) return;
  const sizes = new Uint32Array(population.swarms);
  for (const swarm of assignSwarms(population)) sizes[swarm]++;
  const step = Math.max(1, Math.floor(population.swarms / CHECKED));
  for (let swarm = 0; swarm < population.swarms; swarm += step) {
    const size = await scrapeSize(server.port, population, swarm);
    const expected = Math.min(sizes[swarm], server.swarmLimit);
    if (size !== expected)
      throw new Error(`${server.name}: ${size} peers in swarm ${swarm}, not ${expected}`);
  }
}

/** @returns the number of peers that a tracker counts in a swarm (BEP 48). */
async function scrapeSize(port: number, population: Population, swarm: number): Promise<number> {
  const hash = escapedInfoHash(population, swarm);
  const response = await fetch(`http://127.0.0.1:${port}/scrape?info_hash=${hash}`);
  const answer = decodeBody(Buffer.from(await response.arrayBuffer()));
  const [counts] = Object.values(Object(Object(answer).files));
  const { complete, incomplete } = Object(counts);
  return Number(complete) + Number(incomplete);
}
