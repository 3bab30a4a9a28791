/** Resolves host names: the hosts file first, then the name servers. Results are cached. */
import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import type { Address } from "../model/address.ts";
import { parseAddress } from "../model/address-text.ts";

/** Resolves a name to at least one address. Rejects if there are none. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

const HOSTS_FILE = "/etc/hosts";
/** Timeout of a DNS query, which is sent twice. */
const QUERY_TIMEOUT_MS = 2000;
/** Concurrent queries; at the limit, further ones fail at once. */
const QUERIES_LIMIT = 256;
/** Names in the cache, those without addresses included. */
const NAMES_LIMIT = 4096;
/** Bounds on the time in the cache, in seconds, whatever the TTL is. */
const SHORTEST_S = 30;
const LONGEST_S = 600;
/** Addresses per name; the rest is ignored. */
const ADDRESSES_LIMIT = 16;

interface Known {
  addresses: Promise<readonly Address[]>;
  /** When the entry expires; Infinity while the query is running. */
  expiresMs: number;
}

/** Addresses of a name, and their TTL in seconds. */
export interface Resolved {
  readonly addresses: readonly Address[];
  readonly seconds: number;
}

/** Resolves without a cache. Rejects if no server replied. */
export type Lookup = (host: string) => Promise<Resolved>;

/**
 * Creates a caching resolver. There is one query at a time for each name. It does not use getaddrinfo, which blocks one
 * of libuv's four threads, and names that strangers choose may hang.
 */
export function createResolver(lookup: Lookup = lookupHost, nowMs: () => number = Date.now): Resolve {
  const names = new Map<string, Known>();
  let queries = 0;

  const ask = async (host: string, known: Known): Promise<readonly Address[]> => {
    let seconds = SHORTEST_S;
    queries++;
    try {
      const found = await lookup(host);
      seconds = Math.min(Math.max(found.seconds, SHORTEST_S), LONGEST_S);
      if (found.addresses.length === 0) throw new Error(`${host} has no address`);
      return found.addresses.slice(0, ADDRESSES_LIMIT);
    } finally {
      queries--;
      known.expiresMs = nowMs() + seconds * 1000;
    }
  };

  return (host) => {
    const known = names.get(host);
    if (known !== undefined && nowMs() < known.expiresMs) return known.addresses;
    if (queries >= QUERIES_LIMIT) return Promise.reject(new Error("too many concurrent DNS queries"));
    names.delete(host);
    if (names.size >= NAMES_LIMIT) names.delete(names.keys().next().value!);
    const asked: Known = { addresses: Promise.resolve([]), expiresMs: Number.POSITIVE_INFINITY };
    names.set(host, asked);
    asked.addresses = ask(host, asked);
    return asked.addresses;
  };
}

/**
 * The addresses of a name in a hosts file, in file order (hosts(5)). Invalid lines are skipped.
 * @param host in lower case.
 */
export function addressesInHostsFile(text: string, host: string): Address[] {
  const addresses: Address[] = [];
  for (const line of text.split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (!names.some((name) => name.toLowerCase() === host)) continue;
    try {
      addresses.push(parseAddress(address));
    } catch {}
  }
  return addresses;
}

async function lookupHost(host: string): Promise<Resolved> {
  const local = addressesInHostsFile(await readFile(HOSTS_FILE, "utf8").catch(() => ""), host);
  if (local.length > 0) return { addresses: local, seconds: SHORTEST_S };
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
  const answers = await Promise.allSettled([
    resolver.resolve4(host, { ttl: true }),
    resolver.resolve6(host, { ttl: true }),
  ]);
  const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const seconds = Math.min(LONGEST_S, ...records.map(({ ttl }) => ttl));
  return { addresses: records.map(({ address }) => parseAddress(address)), seconds };
}
