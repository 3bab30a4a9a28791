/**
 * Measures by how much downloads take longer because the policy `bridged` limits outside peers. One of 64 households is
 * in a control group: it gets all peers. The paces of both groups are counted in swarms whose home has complete copies.
 * The control plane compares the counts and changes the demand (control-plane/patience-control.ts).
 *
 * Clients report what they download, so they can lie. A household counts once an hour. It does not know the keyed hash
 * that chooses its group, and every household changes its group daily. Only ranks of paces are compared (slowdown.ts).
 */

/** The two groups, as indices of {@link PaceTrialData.counts}. */
export const PACE_GROUP = { limited: 0, control: 1 } as const;

/** Classes of paces, four for each doubling from 1 KiB/s on. */
export const PACE_CLASSES = 96;
const CLASSES_PER_DOUBLING = 4;
const LEAST_DOUBLINGS = 10;

/**
 * One of so many households is in the control group. The control group saves nothing, so it costs this part of the
 * saving (docs/benchmarks/2026-11-29-selection.md). The smaller it is, the longer a measurement takes.
 */
const CONTROL_PART = 64;
const DAY = 86_400;
const HOUR = 3600;

/** Bits of the set of households that were counted in this hour. Households with the same bit count once together. */
const SEEN_BITS = 2 ** 16;

/** What a worker and the control plane share. */
export interface PaceTrialData {
  /** The downloads of each group and class, counted by one worker. */
  readonly counts: Float64Array<SharedArrayBuffer>;
  /** Multiplies the demand of all downloads. The control plane writes it; all workers share it. */
  readonly demand: Float64Array<SharedArrayBuffer>;
}

/** Allocates the counts of one worker. */
export function allocatePaceCounts(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(2 * PACE_CLASSES * 8));
}

/** Allocates the factor of the demand: 1. */
export function allocateDemand(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(8)).fill(1);
}

/** A worker's view of the trial. */
export class PaceTrial {
  readonly #data: PaceTrialData;
  readonly #controlPart: number;
  readonly #seen = new Uint32Array(SEEN_BITS / 32);
  #hour = 0;

  /** @param controlPart one of so many households is in the control group; only tests change it. */
  constructor(data: PaceTrialData, controlPart = CONTROL_PART) {
    this.#data = data;
    this.#controlPart = controlPart;
  }

  /** The factor by which the demand of all downloads is multiplied. */
  get demand(): number {
    return this.#data.demand[0];
  }

  /** Whether a household is in the control group today. @param household its keyed hash. */
  isControl(household: number, now: number): boolean {
    return ((household >>> 16) + Math.floor(now / DAY)) % this.#controlPart === 0;
  }

  /** Counts a download, if its household has not counted in this hour. @param pace bytes a second. */
  count(household: number, pace: number, now: number): void {
    if (!(pace > 0 && pace < Number.POSITIVE_INFINITY) || this.#wasSeen(household, now)) return;
    const doublings = Math.log2(pace) - LEAST_DOUBLINGS;
    const index = Math.min(Math.max(Math.floor(CLASSES_PER_DOUBLING * doublings), 0), PACE_CLASSES - 1);
    const group = this.isControl(household, now) ? PACE_GROUP.control : PACE_GROUP.limited;
    this.#data.counts[group * PACE_CLASSES + index]++;
  }

  #wasSeen(household: number, now: number): boolean {
    const hour = Math.floor(now / HOUR);
    if (hour !== this.#hour) {
      this.#seen.fill(0);
      this.#hour = hour;
    }
    const bit = household & (SEEN_BITS - 1);
    const was = ((this.#seen[bit >>> 5] >>> (bit & 31)) & 1) !== 0;
    this.#seen[bit >>> 5] |= 1 << (bit & 31);
    return was;
  }
}

/** How many times as long downloads of one pace take as those that are one class faster. */
export const CLASS_RATIO = 2 ** (1 / CLASSES_PER_DOUBLING);
