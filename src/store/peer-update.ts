/** How an announce changes the record of a peer. */
import type { Address } from "../model/address.ts";
import { ADMITTED, type Admission, type AdmissionOutcome } from "./admission.ts";
import { canBeStranded } from "./layout/entry.ts";
import {
  areEquallyComplete,
  isComplete,
  isForeign,
  isMarked,
  isProven,
  keyOf,
  provenKey,
  withMarkOf,
} from "./layout/key.ts";
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

/** Whether a record counts, or is a duplicate. If it is unknown, client-pairs.ts finds out. */
export const COUNTS = { unknown: 0, yes: 1, no: 2 } as const;
/** One of {@link COUNTS}. */
export type Counts = (typeof COUNTS)[keyof typeof COUNTS];

/** What a peer announces, in the form in which it is stored. */
export interface PeerUpdate {
  readonly address: Address;
  readonly port: number;
  /** The key of the peer: its group, whether it is complete, and whether its address is private (layout/key.ts). */
  readonly key: number;
  /** The missing bytes, by coarseLeft. */
  readonly left: number;
  /** The identity of its client (client-identity.ts). */
  readonly identity: number;
  readonly counts: Counts;
  /** Whether it is not from the client, but from another node of the cluster or the database (layout/key.ts). */
  readonly foreign: boolean;
  /** Whether it reports that it has just completed the download. */
  readonly completed: boolean;
  /** Whether it reports uploaded bytes, and this is not its first announce. */
  readonly uploaded: boolean;
  /** Seconds for which a copy must be announced until it is proven; 0: every copy is proven. */
  readonly minDwell: number;
  /** Seconds. */
  readonly now: number;
  /** A download without progress for this many seconds has stalled. */
  readonly stallSeconds: number;
  /** The limits for a peer that is not known yet. */
  readonly admission: Admission;
}

/** A peer that is not known yet. */
export type Newcomer = Pick<PeerUpdate, "address" | "port" | "key" | "now" | "admission">;

/** The outcome of storing a peer. The caller passes one in and reuses it: `SwarmStore.putPeer` sets all fields. */
export class PutOutcome implements AdmissionOutcome {
  /** Its download has stalled. */
  stalled = false;
  /** The hash list may be the cause of the stall: its torrent is listed, and it has been stranded only a few times. */
  stranded = false;
  /** The selection policy has marked it (layout/key.ts). */
  marked = false;
  /** Its record is a duplicate (layout/key.ts). */
  duplicate = false;
  /** The position of its client in the list of the other family, or -1 if that is not known. */
  other = -1;
  /** Word B of its record until now, signed; 0 for a peer that was not known as incomplete. */
  before = 0;
  /** Whether it was refused, and why: the tracker is full, or its household has reached its limit. */
  refused: AdmissionOutcome["refused"] = ADMITTED;
  /** Whether another peer of its household was removed to make room. */
  displaced = false;
  /** Whether it is new, or its key has changed: for example because it has completed, or its copy is proven. */
  changed = false;
  /**
   * Whether other nodes of the cluster are told: it is new, has changed, or was heard by another node; or this is its first
   * announce in a slot of {@link SLOT_SECONDS} or less.
   */
  isNews = false;

  /** Sets all fields as for a new peer. */
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
    this.isNews = false;
  }
}

/**
 * Notes what a peer was until now, and whether its key changes.
 * @param wordA of its record until now, and `before`: its word B. Both are 0 if it was not known.
 * @returns its word B until now; 0 if its new word B is of another kind.
 */
export function noteBefore(
  outcome: PutOutcome,
  update: PeerUpdate,
  key: number,
  wordA: number,
  before: number,
): number {
  const old = keyOf(wordA);
  const { now, stallSeconds } = update;
  outcome.changed = old !== key;
  outcome.isNews =
    wordA === 0 ||
    outcome.changed ||
    update.completed ||
    isForeign(wordA) ||
    ageOf(before, now) > now % Math.min(SLOT_SECONDS, Math.ceil(stallSeconds / 2));
  outcome.before = isComplete(old) ? 0 : before;
  return areEquallyComplete(old, key) ? before : 0;
}

/**
 * Other nodes of the cluster are told of one announce of a peer in this time, if nothing has changed. In half of the stall
 * time, if that is less: otherwise they would take a download for stalled whose progress they do not hear of.
 */
const SLOT_SECONDS = 300;

/** The maximum speed of a download that is believed, in bytes a second (10 Gbit/s). */
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
 * @param before its word B until now; 0 if it was not known as complete.
 * @param key of it. A proven copy needs no dwell any more.
 */
export function seederState(update: PeerUpdate, before: number, key: number): number {
  const dwell = before === 0 || isProven(key) ? 0 : Math.min(dwellNow(update, before), DWELL_MAX);
  return packSeeder(update.now, update.identity, dwell, update.completed || isCounted(before));
}

/**
 * The new key of a peer that announces. It keeps the mark of its key until now.
 * @param key as announced.
 * @param old its key until now, and `before`: its word B. Both are 0 if it was not known.
 */
export function keyFor(update: PeerUpdate, key: number, old: number, before: number): number {
  // The mark of a complete peer has another meaning than that of an incomplete one.
  const next = areEquallyComplete(old, key) ? withMarkOf(key, old) : key;
  if (update.left !== 0 || isProven(next)) return next;
  return provesCopy(update, before, isComplete(old)) ? provenKey(next) : next;
}

/**
 * Whether the copy of a complete peer is proven: the peer has announced it for long enough, has uploaded, or has
 * downloaded it here.
 * @param before its word B until now; 0 if it was not known.
 * @param wasComplete whether it was complete until now.
 */
function provesCopy(update: PeerUpdate, before: number, wasComplete: boolean): boolean {
  if (update.minDwell === 0) return true;
  if (before === 0) return false;
  if (wasComplete) return update.uploaded || dwellNow(update, before) > DWELL_MAX;
  // One second is added, because both announces may have been in the same second.
  return paceOf(before, update.now + 1, 0) <= PACE_MAX;
}

/** The dwell of a complete peer that announces again. It counts the 64ths that have begun since, so that none is lost. */
function dwellNow({ now, minDwell }: PeerUpdate, before: number): number {
  const part = minDwell / (DWELL_MAX + 1);
  return dwellOf(before) + Math.floor(now / part) - Math.floor((now - ageOf(before, now)) / part);
}
