/** What becomes of a peer's record when it announces. */
import type { Address } from "../model/address.ts";
import { ADMITTED, type Admission, type AdmissionOutcome } from "./admission.ts";
import { canBeStranded } from "./layout/entry.ts";
import { areEquallyComplete, isComplete, isMarked, isProven, provenKey, withMarkOf } from "./layout/key.ts";
import { DWELL_MAX, dwellOf, isCounted, leftOf, packLeecher, packSeeder, progressOf } from "./layout/peer.ts";
import {
  ageOf,
  hasStalled,
  paceOf,
  progressTick,
  STRANDINGS_MAX,
  stalledTick,
  strandingsOf,
} from "./peer-record.ts";

/** Whether a record counts, or is a duplicate: where that is to be found out (client-pairs.ts), and where it is known. */
export const COUNTS = { unknown: 0, yes: 1, no: 2 } as const;
/** One of {@link COUNTS}. */
export type Counts = (typeof COUNTS)[keyof typeof COUNTS];

/** What a peer announces, as it is stored. */
export interface PeerUpdate {
  readonly address: Address;
  readonly port: number;
  /** Its group, and whether it is complete and its address private (layout/key.ts). */
  readonly key: number;
  /** By coarseLeft. */
  readonly left: number;
  /** Of its client (client-identity.ts). */
  readonly identity: number;
  readonly counts: Counts;
  /** It says that it has just completed the download. */
  readonly completed: boolean;
  /** It says that it has sent something, and does not only now start. */
  readonly uploaded: boolean;
  /** Seconds for which a copy is announced until it is proven; 0: it is at once. */
  readonly minDwell: number;
  /** Seconds. */
  readonly now: number;
  /** A download that has made no progress for so many seconds has stalled. */
  readonly stallSeconds: number;
  /** By what it is admitted, if it is not known yet. */
  readonly admission: Admission;
}

/** A peer that is not known yet. */
export type Newcomer = Pick<PeerUpdate, "address" | "port" | "key" | "now" | "admission">;

/** What storing a peer found. The caller passes one in and reuses it: `SwarmStore.putPeer` fills all of it. */
export class PutOutcome implements AdmissionOutcome {
  /** Its download has made no progress for too long. */
  stalled = false;
  /** And the hash list may be why: its torrent is listed, and so it was found only a few times. */
  stranded = false;
  /** It is marked. */
  marked = false;
  /** Its record is a duplicate (layout/key.ts). */
  duplicate = false;
  /** Where its client is in the list of the other family, or -1 where that is not known. */
  other = -1;
  /** Word B of its record until now, signed; 0 for a peer that was not known as an incomplete one. */
  before = 0;
  /** Whether it was refused: as the tracker is full, or as its address has as many peers as it may have. */
  refused: AdmissionOutcome["refused"] = ADMITTED;
  /** Another peer of its household made room for it. */
  displaced = false;
  /** It is new, or its key is another one from now on: it has completed, or its copy is proven. */
  changed = false;

  /** As for a newcomer. */
  clear(): void {
    this.stalled = false;
    this.stranded = false;
    this.marked = false;
    this.duplicate = false;
    this.other = -1;
    this.before = 0;
    this.refused = ADMITTED;
    this.displaced = false;
    this.changed = false;
  }
}

/** Nobody downloads more bytes a second (10 Gbit/s): who says so is not believed. */
const PACE_MAX = 1.25e9;

/**
 * Word B of an incomplete peer that announces.
 * @param before its word B until now; 0 if it was not known, or complete.
 * @param flags of its swarm (layout/entry.ts).
 */
export function leecherState(
  update: PeerUpdate,
  before: number,
  key: number,
  flags: number,
  outcome: PutOutcome,
): number {
  const { now, left, identity, stallSeconds } = update;
  const tick = progressTick(now, stallSeconds);
  let progress = tick;
  if (before !== 0) {
    outcome.before = before;
    outcome.stalled = hasStalled(before, now, left, stallSeconds);
    outcome.marked = isMarked(key);
    if (outcome.stalled) {
      const strandings = strandingsOf(before, now, stallSeconds);
      outcome.stranded = canBeStranded(flags) && strandings < STRANDINGS_MAX;
      progress = stalledTick(tick, outcome.stranded ? strandings + 1 : strandings);
    } else if (left >= leftOf(before)) progress = progressOf(before);
  }
  return packLeecher(now, identity, left, progress);
}

/**
 * Word B of a complete peer that announces.
 * @param before its word B until now; 0 if it was not known as one. @param key of it: the dwell of a proven copy
 * is of no use any more.
 */
export function seederState(update: PeerUpdate, before: number, key: number): number {
  const dwell = before === 0 || isProven(key) ? 0 : Math.min(dwellNow(update, before), DWELL_MAX);
  return packSeeder(update.now, update.identity, dwell, update.completed || isCounted(before));
}

/**
 * The key of a peer that announces, with what stays of its key until now.
 * @param key as announced. @param old its key until now. @param before its word B; both 0 if it was not known.
 */
export function keyFor(update: PeerUpdate, key: number, old: number, before: number): number {
  // The mark of a complete peer has another meaning than that of an incomplete one.
  const next = areEquallyComplete(old, key) ? withMarkOf(key, old) : key;
  if (update.left !== 0 || isProven(next)) return next;
  return provesCopy(update, before, isComplete(old)) ? provenKey(next) : next;
}

/**
 * Whether what a complete peer announces proves its copy: it has announced it for long enough, or has uploaded since it
 * first did, or has downloaded it here.
 * @param before its word B until now; 0 if it was not known. @param wasComplete what it was then.
 */
function provesCopy(update: PeerUpdate, before: number, wasComplete: boolean): boolean {
  if (update.minDwell === 0) return true;
  if (before === 0) return false;
  if (wasComplete) return update.uploaded || dwellNow(update, before) > DWELL_MAX;
  // A second more: it may have announced itself twice in one.
  return paceOf(before, update.now + 1, 0) <= PACE_MAX;
}

/** The dwell of a complete peer that announces again: whole 64ths of time are counted, so that none is lost. */
function dwellNow({ now, minDwell }: PeerUpdate, before: number): number {
  const part = minDwell / (DWELL_MAX + 1);
  return dwellOf(before) + Math.floor(now / part) - Math.floor((now - ageOf(before, now)) / part);
}
