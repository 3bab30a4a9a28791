/** Divides the process's file descriptors: client connections must leave some for everything else. */
import type { Config } from "./schema.ts";

/** Descriptors for listeners, rings, files, the database, and the admin listener with its connections. */
const OWN_DESCRIPTORS = 256;

/** Descriptors per concurrent upstream request: its connection, and idle ones kept for reuse. */
const PER_REQUEST = 3;

type Keys = Pick<Config, "neighbors" | "forwarded_announce">;

/** Descriptors that the process may need besides those of client connections. */
export function otherDescriptors({ neighbors, forwarded_announce: forwarded }: Keys): number {
  const asked = neighbors.filter(({ enabled }) => enabled);
  const toNeighbors = asked.reduce((sum, { max_concurrent }) => sum + max_concurrent, 0);
  const forwards = forwarded.sources.length + forwarded.clients.length > 0;
  return OWN_DESCRIPTORS + toNeighbors + (forwards ? PER_REQUEST * forwarded.max_requests : 0);
}

/**
 * Client connections allowed with a limit of open descriptors: `listen.max_connections`, or the rest of the limit if
 * that is less, but at least half of the limit.
 */
export function connectionsWithin(limit: number, config: Keys & Pick<Config, "listen">): number {
  const left = Math.max(limit - otherDescriptors(config), Math.floor(limit / 2));
  return Math.max(1, Math.min(config.listen.max_connections, left));
}

/** Connections per address, of `connections` in total: `auto` is a quarter. */
export function connectionsPerAddress(connections: number, { listen }: Pick<Config, "listen">): number {
  const wanted = listen.max_connections_per_address;
  return wanted === "auto" ? Math.ceil(connections / 4) : Math.min(wanted, connections);
}
