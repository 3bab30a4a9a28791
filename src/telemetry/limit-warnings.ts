/** Logs warnings about limits that were reached. The data plane only counts them. */
import { COUNTER } from "../model/counters.ts";
import type { Logger } from "./logger.ts";
import { RepeatLimit } from "./repeat-limit.ts";

interface Limit {
  readonly counter: number;
  readonly key: string;
  readonly message: string;
}

const LIMITS: readonly Limit[] = [
  {
    counter: COUNTER.peersRefused,
    key: "tracker.max_peers",
    message:
      "the tracker is full, or one torrent has two million peers: new ones get peers, but are not stored",
  },
  {
    counter: COUNTER.addressPeersRefused,
    key: "tracker.max_peers_per_address",
    message:
      "an address has as many peers as it may have: new ones get peers, but are not stored; " +
      "for addresses shared by many subscribers, set peer_groups[].max_peers_per_address",
  },
  {
    counter: COUNTER.connectionsRefused,
    key: "listen.max_connections",
    message: "the limit of connections is reached, and none is idle: new ones are closed",
  },
  {
    counter: COUNTER.connectionsOverShare,
    key: "listen.max_connections_per_address",
    message: "an address has reached its limit of connections, and none is idle: its new ones are closed",
  },
  {
    counter: COUNTER.connectionsDisplaced,
    key: "listen.max_connections",
    message: "the limit of connections is reached: idle ones are closed for new ones",
  },
  {
    counter: COUNTER.acceptFailures,
    key: "LimitNOFILE",
    message: "connections cannot be accepted: the process or the system has run out of file descriptors",
  },
  {
    counter: COUNTER.waitsRefused,
    key: "listen.max_waiting",
    message: "too many requests wait for other trackers: new ones are answered at once, with known peers",
  },
];

/** Compares counters with their earlier values. At most one warning a minute for each limit. */
export class LimitWarnings {
  readonly #log: Logger;
  readonly #counters: readonly Float64Array[];
  readonly #seen = LIMITS.map(() => 0);
  readonly #repeats = LIMITS.map(() => new RepeatLimit());

  /** @param counters of every worker. */
  constructor(log: Logger, counters: readonly Float64Array[]) {
    this.#log = log;
    this.#counters = counters;
  }

  /** Checks the counters. @param nowMs of a monotonic clock. */
  check(nowMs: number): void {
    for (const [i, { counter, key, message }] of LIMITS.entries()) {
      const count = this.#counters.reduce((sum, counters) => sum + counters[counter], 0);
      if (count === this.#seen[i] || !this.#repeats[i].admit(nowMs)) continue;
      this.#log.warning({ refused: count - this.#seen[i], key }, message);
      this.#seen[i] = count;
    }
  }
}
