/** Remembers whether the bridges of a gated swarm bring enough data into a home, and when there must be one more. */
import { leftBytes } from "../model/announce.ts";

/** What the judge has to know. */
export interface HomeBridges {
  /** Open bridges beside the first, in each tier of the home. */
  readonly extra: number;
  /** Whether an open bridge is not the policy's: it stands in for one that is lost. */
  readonly hasStandIn: boolean;
  /** The most that a member has had left, encoded by coarseLeft: about the size of the file. */
  readonly size: number;
}

/** What a look found. */
export interface BridgeFinding {
  readonly leechers: number;
  readonly hasStandIn: boolean;
  readonly size: number;
  /** The bridges, or half of the others, have got nothing since their announce before the last. */
  readonly starves: boolean;
  /** The others have little of what the bridges have. */
  readonly lags: boolean;
}

/** One more bridge for so many downloaders at most, and one more in any case. */
const LEECHERS_PER_BRIDGE = 4;

/** The others get enough if one of them has this part of what a bridge has. */
const PASSED_ON = 0.5;

/** The bridges of one swarm in one home, over all looks while it is gated there. */
export class BridgeMemory implements HomeBridges {
  extra = 0;
  hasStandIn = false;
  size = 0;
  /** In seconds: since when the others have too little, and when there was one more bridge last. */
  #lagsSince = Number.POSITIVE_INFINITY;
  #raisedAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes over what a look found.
   * @param patience seconds in which all downloaders announce: so long the others may lag, and so long one more bridge has to help.
   * @returns whether there is to be one more bridge from now on.
   */
  note({ leechers, hasStandIn, size, starves, lags }: BridgeFinding, now: number, patience: number): boolean {
    this.hasStandIn = hasStandIn;
    this.size = size;
    this.#lagsSince = lags ? Math.min(this.#lagsSince, now) : Number.POSITIVE_INFINITY;
    const isDue = starves || now - this.#lagsSince >= patience;
    const most = Math.max(1, Math.floor(leechers / LEECHERS_PER_BRIDGE));
    if (!isDue || this.extra >= most || now - this.#raisedAt < patience) return false;
    this.extra++;
    this.#raisedAt = now;
    return true;
  }
}

/**
 * Whether the closed downloads of a home get too little of what its bridges have. The bridges pass on too little then, or
 * have just begun.
 * @param size see {@link HomeBridges}. @param bridge what the bridge with most has left. @param others the same of the others.
 */
export function lagsBehind(size: number, bridge: number, others: number): boolean {
  const has = leftBytes(size) - leftBytes(bridge);
  return leftBytes(size) - leftBytes(others) < PASSED_ON * has;
}
