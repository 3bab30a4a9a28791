/** Remembers whether the bridges of a gated swarm bring enough data into a home, and when there must be one more. */
import { LEFT_MAX, leftBytes } from "../model/announce.ts";

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

/** What the member of some that has most of the file has left, encoded by coarseLeft, and when it announced that, in seconds. */
export interface Progress {
  left: number;
  at: number;
}

/** What a look found. */
export interface BridgeFinding {
  readonly leechers: number;
  readonly size: number;
  /** Of the bridges, and of the closed downloads that were no bridges; `left` is LEFT_MAX where there are none. */
  readonly bridge: Progress;
  readonly others: Progress;
  /** The bridges have got nothing since their announce before the last. */
  readonly starves: boolean;
  /** The bridges get on, and half of the others have got nothing since their announce before the last. */
  readonly isHeldBack: boolean;
}

/** What is to change: one more bridge, or others instead of those that are open. */
export type BridgeChange = "more" | "others" | "none";

/** The moments of one announce differ by less: the clocks of two threads are a second apart. */
const SAME_SECONDS = 1;

/** Former bridges that are remembered in a home. */
const FORMER_MAX = 64;

/** One more bridge for so many downloaders at most, and one more in any case. */
const LEECHERS_PER_BRIDGE = 4;

/**
 * The others get enough if the first of them is this part as fast as the bridge. When the bridge is complete: if it has this
 * part of the file.
 */
const PASSED_ON = { pace: 0.33, atEnd: 0.75 } as const;

/** Steps of `left` by which a bridge has to have got on before its pace is compared: one step is up to 1.6 % of the rest. */
const STEPS_LEAST = 4;

/** A bridge gets nothing if it says so this part of the patience after it was opened, which is half an interval, or later. */
const TRIED = 0.4;

/** Most homes have no former bridges: one set stands for all of these. */
const NOBODY: ReadonlySet<number> = new Set();

/** The bridges of one swarm in one home, over all looks while it is gated there. */
export class BridgeMemory implements HomeBridges {
  extra = 0;
  size = 0;
  bridges: ReadonlySet<number> = NOBODY;
  former: ReadonlySet<number> = NOBODY;
  /** What bridges and others had when a bridge was opened last. */
  #base: Compared | undefined;
  /** The announce of the bridge by which it was judged last. In seconds, as all of these. */
  #judgedAt = Number.NEGATIVE_INFINITY;
  /** Since when the others have got too little; when a bridge was opened last, and when the bridges were changed last. */
  #lagsSince = Number.POSITIVE_INFINITY;
  #openedAt = Number.NEGATIVE_INFINITY;
  #changedAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes over what a look found.
   * @param bridges endpoints: the open ones, and those of the last look that are complete now.
   * @param patience seconds in which all downloaders announce: so long a change has to help.
   * @returns what is to be different from now on.
   */
  note(finding: BridgeFinding, bridges: ReadonlySet<number>, now: number, patience: number): BridgeChange {
    this.size = finding.size;
    for (const bridge of bridges) {
      if (this.bridges.has(bridge)) continue;
      this.#base = { bridge: finding.bridge, others: finding.others };
      this.#lagsSince = Number.POSITIVE_INFINITY;
      this.#openedAt = now;
    }
    this.bridges = bridges;
    const isSlow = this.#isSlow(finding, now, patience);
    if (now - this.#changedAt < patience) return "none";
    if (isSlow || (finding.isHeldBack && now - this.#openedAt >= patience)) {
      this.#changedAt = now;
      this.#replace();
      return "others";
    }
    const most = Math.max(1, Math.floor(finding.leechers / LEECHERS_PER_BRIDGE));
    const hasTried = finding.bridge.at - this.#openedAt >= TRIED * patience;
    if (!finding.starves || !hasTried || this.extra >= most) return "none";
    this.extra++;
    this.#changedAt = now;
    return "more";
  }

  /** Whether bridges pass on too little: judged once for each announce of the bridge with most, and all the time when it is complete. */
  #isSlow(finding: BridgeFinding, now: number, patience: number): boolean {
    const { size, bridge, others } = finding;
    if (bridge.left !== 0) {
      if (bridge.at <= this.#judgedAt + SAME_SECONDS || !isComparable(this.#base, finding)) return false;
      this.#judgedAt = bridge.at;
      return isSlower(this.#base, finding);
    }
    const lags =
      others.left !== LEFT_MAX &&
      leftBytes(size) - leftBytes(others.left) < PASSED_ON.atEnd * leftBytes(size);
    this.#lagsSince = lags ? Math.min(this.#lagsSince, now) : Number.POSITIVE_INFINITY;
    return now - this.#lagsSince >= patience;
  }

  /**
   * The present bridges are to be replaced, by one at first: there were more only because these got nothing. The first of too
   * many former bridges are forgotten.
   */
  #replace(): void {
    this.extra = 0;
    const former = new Set([...this.former, ...this.bridges]);
    this.former = new Set([...former].slice(-FORMER_MAX));
    this.bridges = NOBODY;
  }
}

/** What is compared between two moments. */
type Compared = Pick<BridgeFinding, "bridge" | "others">;

/** Whether both sides have announced since a moment. */
function isComparable(base: Compared | undefined, { bridge, others }: Compared): base is Compared {
  if (base === undefined || base.bridge.left === LEFT_MAX || others.left === LEFT_MAX) return false;
  return bridge.at > base.bridge.at && others.at > base.others.at;
}

/** Whether the others have got on too slowly since then, beside the bridge. Each is measured from announce to announce. */
function isSlower(base: Compared, { bridge, others }: Compared): boolean {
  if (base.bridge.left - bridge.left < STEPS_LEAST) return false;
  const own = leftBytes(base.bridge.left) - leftBytes(bridge.left);
  const other = leftBytes(base.others.left) - leftBytes(others.left);
  return other * (bridge.at - base.bridge.at) < PASSED_ON.pace * own * (others.at - base.others.at);
}
