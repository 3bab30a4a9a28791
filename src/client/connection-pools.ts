/** Connections to trackers over HTTP, kept for a short while: bounded by host, and so is the number of hosts. */
import type { LookupFunction } from "node:net";
import { Pool } from "undici";
import { formatAddress } from "../model/address-text.ts";
import type { AddressGuard } from "./address-guard.ts";
import type { Resolve } from "./resolver.ts";
import { originOf, type Target } from "./target.ts";

/**
 * Hosts with connections, for each request that may be on its way; but so many at least. The one that was asked least
 * recently makes room. Requests that are given up leave a moment later.
 */
const HOSTS_PER_REQUEST = 2;
const LEAST_HOSTS = 256;
/** Milliseconds for which a connection is kept that nobody uses, whatever the tracker promises. */
const IDLE_MS = 5000;
const HEADERS_LIMIT = 16_384;

/** `code` of the errors with which a connection fails that was not even tried. */
export const LOOKUP_FAILED = { dns: "BTRT_DNS", address: "BTRT_ADDRESS" } as const;

/** What the pools are made with. */
export interface PoolSettings {
  readonly guard: AddressGuard;
  readonly resolve: Resolve;
  readonly connectTimeoutMs: number;
  /** Requests on their way, to all hosts and to one. */
  readonly maxInFlight: number;
  readonly maxPerHost: number;
}

interface Entry {
  readonly pool: Pool;
  inFlight: number;
}

/** A pool of connections for each scheme, host and port. */
export class ConnectionPools {
  readonly #settings: PoolSettings;
  /** By origin; the one that was asked least recently is first. */
  readonly #entries = new Map<string, Entry>();

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /**
   * The pool for a target, or undefined while too many requests are on their way: at most `maxPerHost` to each host, so
   * that none ever waits for a connection that another one uses.
   * @returns the pool, and what has to be called when the request has left it.
   */
  acquire(target: Target): { pool: Pool; release: () => void } | undefined {
    const origin = originOf(target);
    const entry = this.#entries.get(origin) ?? this.#open(target);
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

  /** Closes every connection, and ends the requests on them. */
  async close(): Promise<void> {
    const pools = [...this.#entries.values()].map(({ pool }) => pool.destroy());
    this.#entries.clear();
    await Promise.all(pools);
  }

  #open(target: Target): Entry | undefined {
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

  /** Called by `net.connect` for each new connection: it connects to nothing but the addresses that are given here. */
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
