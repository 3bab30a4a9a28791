/** What the routers that follow the gate have counted, by their reports. */
import { NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY, ACTIVITY_WIDTH, allocateActivity } from "../store/group-activity.ts";
import { GATE_COUNTERS, type GateCounts, type GateReport } from "./report.ts";

/** The most followers that are known. Beyond that, the one whose last report is the oldest is forgotten. */
const FOLLOWERS_MAX = 100;

/** Milliseconds without a report after which a router is shown no longer. Its counts stay in the sum. */
const SHOWN_MS = 86_400_000;

/** Milliseconds without a report after which a router is stale: it reports every minute. */
const STALE_MS = 180_000;

/** A router, for people. */
export interface ReportedRouter {
  readonly router: string;
  /** The version of the lists that it has. */
  readonly version: number;
  readonly countOnly: boolean;
  /** Milliseconds since 1970. */
  readonly reportedAt: number;
  readonly isStale: boolean;
}

/** Adds up reports. */
export class RouterReports {
  /** Connections seen and refused, for the totals in the database (store/group-activity.ts). */
  readonly activity = allocateActivity();
  readonly #reports = new Map<string, GateReport & { readonly at: number }>();
  /** The counts of followers that are forgotten. */
  readonly #forgotten = noCounts();

  /** Takes a report. @param now milliseconds since 1970. */
  receive(report: GateReport, now: number): void {
    const before = this.#reports.get(report.follower);
    // The first report of a follower may have counts that an earlier run of this program has added.
    if (before !== undefined) this.#count(before.counters, report.counters);
    this.#reports.delete(report.follower);
    this.#reports.set(report.follower, { ...report, at: now });
    const [oldest] = this.#reports;
    if (this.#reports.size <= FOLLOWERS_MAX) return;
    for (const name of GATE_COUNTERS) this.#forgotten[name] += oldest[1].counters[name];
    this.#reports.delete(oldest[0]);
  }

  /** The sum over all routers, since each of their followers has started. */
  totals(): GateCounts {
    const sum = { ...this.#forgotten };
    for (const { counters } of this.#reports.values())
      for (const name of GATE_COUNTERS) sum[name] += counters[name];
    return sum;
  }

  /** The routers that have reported in the last day. @param now milliseconds since 1970. */
  routers(now: number): ReportedRouter[] {
    return [...this.#reports.values()]
      .filter(({ at }) => now - at < SHOWN_MS)
      .map(({ router, version, countOnly, at }) => ({
        router,
        version,
        countOnly,
        reportedAt: at,
        isStale: now - at > STALE_MS,
      }));
  }

  #count(before: GateCounts, counters: GateCounts): void {
    const at = NO_GROUP * ACTIVITY_WIDTH + ACTIVITY.handshakes;
    for (const name of GATE_COUNTERS) {
      const more = Math.max(0, counters[name] - before[name]);
      if (name.startsWith("seen")) this.activity[at] += more;
      else if (name.startsWith("refused")) this.activity[at + 1] += more;
    }
  }
}

function noCounts(): Record<(typeof GATE_COUNTERS)[number], number> {
  return {
    seenHandshakeOut: 0,
    refusedHandshakeOut: 0,
    seenHandshakeIn: 0,
    refusedHandshakeIn: 0,
    seenEndpointOut: 0,
    refusedEndpointOut: 0,
    seenEndpointIn: 0,
    refusedEndpointIn: 0,
    seenFarOut: 0,
    refusedFarOut: 0,
    exempted: 0,
    exemptFull: 0,
  };
}
