/** Remembers whether the bridges of a gated swarm bring enough data into a home, and when there must be one more. */
import { leftBytes } from "../model/announce.ts";

/** What the judge has to know. */
export interface HomeBridges {
  /**
   * Endpoints (swarm-records.ts): of the open bridges and of those that are complete now, and of members that were bridges and did
   * not pass on enough.
   */
  readonly bridges: ReadonlySet<number>;
  readonly former: ReadonlySet<number>;
  /** Open bridges beside the first, in each tier of the home. */
  readonly extra: number;
  /** The most that a member has had left, encoded by coarseLeft: about the size of the file. */
  readonly size: number;
}

/** What a look found. */
export interface BridgeFinding {
  readonly leechers: number;
  readonly size: number;
  /** The bridges have got nothing since their announce before the last. */
  readonly starves: boolean;
  /** The bridges get on, and half of the others have got nothing since their announce before the last. */
  readonly isHeldBack: boolean;
  /** The others have little of what the bridges have. */
  readonly lags: boolean;
}

/** What is to change: one more bridge, or others instead of those that are open. */
export type BridgeChange = "more" | "others" | "none";

/** Former bridges that are remembered in a home. */
const FORMER_MAX = 64;

/** One more bridge for so many downloaders at most, and one more in any case. */
const LEECHERS_PER_BRIDGE = 4;

/** The others get enough if one of them has this part of what a bridge has; and when the bridge is complete. */
const PASSED_ON = { part: 0.5, atEnd: 0.75 } as const;

/** The bridges of one swarm in one home, over all looks while it is gated there. */
export class BridgeMemory implements HomeBridges {
  extra = 0;
  size = 0;
  bridges: ReadonlySet<number> = new Set();
  readonly former = new Set<number>();
  /** In seconds: since when the others have too little, and when the bridges were changed last. */
  #lagsSince = Number.POSITIVE_INFINITY;
  #changedAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes over what a look found.
   * @param patience seconds in which all downloaders announce: so long the others may lag, and so long a change has to help.
   * @returns what is to be different from now on.
   */
  note(finding: BridgeFinding, now: number, patience: number): BridgeChange {
    const { leechers, starves, isHeldBack, lags } = finding;
    this.size = finding.size;
    this.#lagsSince = lags ? Math.min(this.#lagsSince, now) : Number.POSITIVE_INFINITY;
    if (now - this.#changedAt < patience) return "none";
    if (isHeldBack || now - this.#lagsSince >= patience) {
      this.#changedAt = now;
      this.#lagsSince = Number.POSITIVE_INFINITY;
      this.#replace();
      return "others";
    }
    const most = Math.max(1, Math.floor(leechers / LEECHERS_PER_BRIDGE));
    if (!starves || this.extra >= most) return "none";
    this.extra++;
    this.#changedAt = now;
    return "more";
  }

  /** The present bridges are to be replaced. The first of too many is forgotten. */
  #replace(): void {
    for (const bridge of this.bridges) this.former.add(bridge);
    this.bridges = new Set();
    for (const first of this.former) {
      if (this.former.size <= FORMER_MAX) return;
      this.former.delete(first);
    }
  }
}

/**
 * Whether the closed downloads of a home get too little of what its bridges have. The bridges pass on too little then, or
 * have just begun.
 * @param size see {@link HomeBridges}. @param bridge what the bridge with most has left. @param others the same of the others.
 */
export function lagsBehind(size: number, bridge: number, others: number): boolean {
  const has = leftBytes(size) - leftBytes(bridge);
  const part = bridge === 0 ? PASSED_ON.atEnd : PASSED_ON.part;
  return leftBytes(size) - leftBytes(others) < part * has;
}
