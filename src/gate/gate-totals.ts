/** What the gate does, as counts for the totals in the database, which survive a restart. */
import { NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY_WIDTH, allocateActivity, type GateActivity, gateAt } from "../store/group-activity.ts";

/** Counts in the row of no group (store/group-activity.ts). */
export class GateTotals {
  readonly activity = allocateActivity();
  #sampledMs: number | undefined;

  /** Adds to a count. */
  add(what: GateActivity, more: number): void {
    this.activity[NO_GROUP * ACTIVITY_WIDTH + gateAt(what)] += more;
  }

  /**
   * Adds the time since the last call. The first call only begins.
   * @param nowMs of a clock that is never set.
   * @param torrents that are gated now, @param endpoints that are closed now.
   */
  sample(nowMs: number, torrents: number, endpoints: number): void {
    const seconds = (nowMs - (this.#sampledMs ?? nowMs)) / 1000;
    this.#sampledMs = nowMs;
    this.add("seconds", seconds);
    this.add("torrentSeconds", seconds * torrents);
    this.add("endpointSeconds", seconds * endpoints);
  }
}
