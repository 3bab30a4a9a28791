/** How the descriptors that a process may open are shared out: clients' connections must not take those of everything else. */
import type { Config } from "./schema.ts";

/** Listeners, rings, files, the database, the admin listener and those who look at it. */
const OWN_DESCRIPTORS = 256;

/** For each request to an external tracker that may be under way: connections, and those kept for the next. */
const PER_REQUEST = 3;

type Keys = Pick<Config, "neighbors" | "forwarded_announce">;

/** Descriptors that the process may need besides those of its clients' connections. */
export function otherDescriptors({ neighbors, forwarded_announce: forwarded }: Keys): number {
  const asked = neighbors.filter(({ enabled }) => enabled);
  const toNeighbors = asked.reduce((sum, { max_concurrent }) => sum + max_concurrent, 0);
  const forwards = forwarded.sources.length + forwarded.clients.length > 0;
  return OWN_DESCRIPTORS + toNeighbors + (forwards ? PER_REQUEST * forwarded.max_requests : 0);
}

/**
 * Connections that clients may have when the process may open `limit` descriptors: `listen.max_connections`, or what is
 * left of the limit for them, and half of it at least.
 */
export function connectionsWithin(limit: number, config: Keys & Pick<Config, "listen">): number {
  const left = Math.max(limit - otherDescriptors(config), Math.floor(limit / 2));
  return Math.max(1, Math.min(config.listen.max_connections, left));
}

/** Connections of one address, of `connections` in all: `auto` is a quarter. */
export function connectionsPerAddress(connections: number, { listen }: Pick<Config, "listen">): number {
  const wanted = listen.max_connections_per_address;
  return wanted === "auto" ? Math.ceil(connections / 4) : Math.min(wanted, connections);
}
