/** Pools of HTTP connections to trackers. Hosts, connections per host and idle time are limited. */
import type { LookupFunction } from "node:net";
import type { Pool } from "undici";
import { formatAddress } from "../model/address-text.ts";
import type { AddressGuard } from "./address-guard.ts";
import type { Resolve } from "./resolver.ts";
import { originOf, type Target } from "./target.ts";

/**
 * Hosts with a pool, per request in flight, and the minimum. The least recently used host is evicted. It must be more
 * than one, as an aborted request leaves its pool a moment later.
 */
const HOSTS_PER_REQUEST = 2;
const LEAST_HOSTS = 256;
/** How long an idle connection is kept, in milliseconds, whatever the tracker's Keep-Alive says. */
const IDLE_MS = 5000;
const HEADERS_LIMIT = 16_384;

/** `code` of errors that occur before a connection is attempted. */
export const LOOKUP_FAILED = { dns: "BTRT_DNS", address: "BTRT_ADDRESS" } as const;

/** Settings of {@link ConnectionPools}. */
export interface PoolSettings {
  readonly guard: AddressGuard;
  readonly resolve: Resolve;
  readonly connectTimeoutMs: number;
  /** Requests in flight, in total and per host. */
  readonly maxInFlight: number;
  readonly maxPerHost: number;
}

interface Entry {
  readonly pool: Pool;
  inFlight: number;
}

/** One pool for each scheme, host and port. The library is loaded with the first one: most trackers ask no other. */
export class ConnectionPools {
  readonly #settings: PoolSettings;
  /** By origin, least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /**
   * Takes a slot in the pool of a target, which may have to be opened. At most `maxPerHost` requests per host are in flight, so that none waits for
   * a connection of another.
   * @returns the pool, and a function to call when the request has left it; undefined at the limit.
   */
  async acquire(target: Target): Promise<{ pool: Pool; release: () => void } | undefined> {
    const { Pool } = await import("undici");
    const origin = originOf(target);
    const entry = this.#entries.get(origin) ?? this.#open(Pool, target);
    if (entry === undefined || entry.inFlight >= this.#settings.maxPerHost) return undefined;
    this.#entries.delete(origin);
    this.#entries.set(origin, entry);
    entry.inFlight++;
    let released = false;
    const release = () => {
      if (!released) entry.inFlight--;
      released = true;
    };
    return { pool: entry.pool, release };
  }

  /** Closes all connections and ends their requests. */
  async close(): Promise<void> {
    const pools = [...this.#entries.values()].map(({ pool }) => pool.destroy());
    this.#entries.clear();
    await Promise.all(pools);
  }

  #open(Pool: typeof import("undici").Pool, target: Target): Entry | undefined {
    const { connectTimeoutMs, maxInFlight, maxPerHost } = this.#settings;
    const most = Math.max(LEAST_HOSTS, HOSTS_PER_REQUEST * maxInFlight);
    if (this.#entries.size >= most && !this.#evict()) return undefined;
    const pool = new Pool(originOf(target), {
      allowH2: false,
      connections: maxPerHost,
      connect: { lookup: this.#lookupOf(target), autoSelectFamily: true, timeout: connectTimeoutMs },
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: HEADERS_LIMIT,
    });
    return { pool, inFlight: 0 };
  }

  #evict(): boolean {
    for (const [origin, { pool, inFlight }] of this.#entries) {
      if (inFlight > 0) continue;
      this.#entries.delete(origin);
      void pool.destroy();
      return true;
    }
    return false;
  }

  /** The look-up function of `net.connect`: it returns only addresses that the guard allows. */
  #lookupOf(target: Target): LookupFunction {
    const { guard, resolve } = this.#settings;
    return (host, _options, callback) => {
      resolve(host).then(
        (addresses) => {
          const allowed = addresses.filter((address) => guard(address, target));
          if (allowed.length === 0) callback(failure(LOOKUP_FAILED.address), []);
          else
            callback(
              null,
              allowed.map((each) => ({ address: formatAddress(each), family: each.family })),
            );
        },
        () => callback(failure(LOOKUP_FAILED.dns), []),
      );
    };
  }
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
