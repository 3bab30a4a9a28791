/** What the routers that follow the gate have counted, by their reports. */
import { GATE_ACTIVITY } from "../store/group-activity.ts";
import type { GateTotals } from "./gate-totals.ts";
import { GATE_COUNTERS, type GateCounts, type GateReport, noCounts } from "./report.ts";

/** The most followers that are known. Beyond that, the one whose last report is the oldest is forgotten. */
const FOLLOWERS_MAX = 100;

/** Milliseconds without a report after which a router is shown no longer. Its counts stay in the sum. */
const SHOWN_MS = 86_400_000;

/** Milliseconds without a report after which a router is stale: it reports every ten seconds. */
const STALE_MS = 60_000;

/** Milliseconds without a report after which a router may let everything through. */
const SILENT_MS = 30_000;

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

/** Sums of what routers have counted since each of their followers has started. */
export interface ReportedCounts {
  /** By routers that refuse. */
  readonly refusing: GateCounts;
  /** By routers with `--count-only`: their `refused` counts are of connections that passed. */
  readonly counting: GateCounts;
}

/** A report, and when it came. Milliseconds since 1970. */
type Report = GateReport & { readonly at: number };

/** Adds up reports. */
export class RouterReports {
  readonly #gateTotals: GateTotals;
  readonly #reports = new Map<string, Report>();
  /** The counts of followers that are forgotten. */
  readonly #forgotten = { refusing: noCounts(), counting: noCounts() };

  /** @param gateTotals where connections are counted for the database. */
  constructor(gateTotals: GateTotals) {
    this.#gateTotals = gateTotals;
  }

  /** Takes a report. @param now milliseconds since 1970. */
  receive(report: GateReport, now: number): void {
    const before = this.#reports.get(report.follower);
    // The first report of a follower may have counts that an earlier run of this program has added.
    if (before !== undefined) this.#count(before.counters, report);
    this.#reports.delete(report.follower);
    this.#reports.set(report.follower, { ...report, at: now });
    const [oldest] = this.#reports;
    if (this.#reports.size <= FOLLOWERS_MAX) return;
    addCounts(this.#forgotten[modeOf(oldest[1])], oldest[1].counters);
    this.#reports.delete(oldest[0]);
  }

  /** The sums over all routers. */
  totals(): ReportedCounts {
    const { refusing, counting } = this.#forgotten;
    const sums = { refusing: { ...refusing }, counting: { ...counting } };
    for (const report of this.#reports.values()) addCounts(sums[modeOf(report)], report.counters);
    return sums;
  }

  /**
   * The routers that have reported in the last day. Routers with the same host name are told apart by their machines.
   * @param now milliseconds since 1970.
   */
  routers(now: number): ReportedRouter[] {
    const latest = this.#latest(now);
    return latest.map(({ router, machine, version, countOnly, at }) => ({
      router:
        latest.filter((each) => each.router === router).length > 1
          ? `${router} (${machine ?? "no machine id"})`
          : router,
      version,
      countOnly,
      reportedAt: at,
      isStale: now - at > STALE_MS,
    }));
  }

  /**
   * Whether there is a router, and all refuse what the lists say: each that has reported in the last day has done so just
   * now, and its last report is not that it only counts. Which subscribers are behind which router is not known.
   * @param now milliseconds since 1970.
   */
  areRefusing(now: number): boolean {
    const latest = this.#latest(now);
    return latest.length > 0 && latest.every(({ countOnly, at }) => !countOnly && now - at < SILENT_MS);
  }

  /** The last report of each router in the last day. Other followers of the same machine were its earlier runs. */
  #latest(now: number): Report[] {
    // In the order of their last reports.
    const recent = [...this.#reports.values()].filter(({ at }) => now - at < SHOWN_MS);
    return [...new Map(recent.map((report) => [`${report.machine} ${report.router}`, report])).values()];
  }

  /** Counts the increments of a report for the database. */
  #count(before: GateCounts, { counters, countOnly }: GateReport): void {
    for (const name of GATE_COUNTERS) {
      const isOnlyCounted = countOnly && name.startsWith("refused");
      const what = isOnlyCounted ? "onlyCounted" : GATE_ACTIVITY.find((each) => each === name);
      if (what !== undefined) this.#gateTotals.add(what, Math.max(0, counters[name] - before[name]));
    }
  }
}

function modeOf({ countOnly }: GateReport): keyof ReportedCounts {
  return countOnly ? "counting" : "refusing";
}

function addCounts(sum: ReturnType<typeof noCounts>, more: GateCounts): void {
  for (const name of GATE_COUNTERS) sum[name] += more[name];
}
