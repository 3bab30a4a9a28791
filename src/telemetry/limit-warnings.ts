/** Warns of limits that are being hit, which the data plane only counts. */
import { COUNTER } from "../model/counters.ts";
import type { Logger } from "./logger.ts";

/** Least time between two warnings of the same limit. */
const QUIET_MS = 60_000;

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
      "the tracker is full, or one torrent has two million peers: new ones are answered, but not stored",
  },
  {
    counter: COUNTER.addressPeersRefused,
    key: "tracker.max_peers_per_address",
    message:
      "an address has as many peers as it may have: new ones are answered, but not stored; " +
      "for addresses that many subscribers share there is peer_groups[].max_peers_per_address",
  },
  {
    counter: COUNTER.connectionsRefused,
    key: "listen.max_connections",
    message: "too many connections, none of which is idle: new ones are closed",
  },
  {
    counter: COUNTER.connectionsOverShare,
    key: "listen.max_connections_per_address",
    message: "too many connections of one address, none of which is idle: new ones of it are closed",
  },
  {
    counter: COUNTER.connectionsDisplaced,
    key: "listen.max_connections",
    message: "many connections: idle ones are closed to make room for new ones",
  },
  {
    counter: COUNTER.acceptFailures,
    key: "LimitNOFILE",
    message:
      "connections cannot be accepted: the process has no file descriptors left, or the system has none",
  },
  {
    counter: COUNTER.waitsRefused,
    key: "listen.max_waiting",
    message: "too many wait for other trackers: new ones are answered with what is known",
  },
];

/** Compares counters with what they were; one warning a minute at most for each limit. */
export class LimitWarnings {
  readonly #log: Logger;
  readonly #counters: readonly Float64Array[];
  readonly #seen = LIMITS.map(() => 0);
  readonly #quietUntil = LIMITS.map(() => 0);

  /** @param counters those of every worker. */
  constructor(log: Logger, counters: readonly Float64Array[]) {
    this.#log = log;
    this.#counters = counters;
  }

  /** Looks. @param nowMs any clock that does not go back. */
  check(nowMs: number): void {
    for (const [i, { counter, key, message }] of LIMITS.entries()) {
      const count = this.#counters.reduce((sum, counters) => sum + counters[counter], 0);
      if (count === this.#seen[i] || nowMs < this.#quietUntil[i]) continue;
      this.#log.warning({ refused: count - this.#seen[i], key }, message);
      this.#seen[i] = count;
      this.#quietUntil[i] = nowMs + QUIET_MS;
    }
  }
}
