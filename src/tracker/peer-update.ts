/** What becomes of a peer's record when it announces. */
import type { Address } from "../model/address.ts";
import { ADMITTED, type Admission, type AdmissionOutcome } from "./admission.ts";
import {
  COUNTED,
  dwellOf,
  hasStalled,
  isBridge,
  leftOf,
  packLeecher,
  packSeeder,
  progressTick,
  stalledTick,
} from "./peer-record.ts";

/** Whether a record counts, or is a duplicate: where that is to be found out (client-pairs.ts), and where it is known. */
export const COUNTS = { unknown: 0, yes: 1, no: 2 } as const;
/** One of {@link COUNTS}. */
export type Counts = (typeof COUNTS)[keyof typeof COUNTS];

/** What a peer announces, as it is stored. */
export interface PeerUpdate {
  readonly address: Address;
  readonly port: number;
  /** Its group, and whether it is complete and its address private (peer-record.ts). */
  readonly key: number;
  /** By coarseLeft. */
  readonly left: number;
  /** Of its client (client-identity.ts). */
  readonly identity: number;
  readonly counts: Counts;
  /** It says that it has just completed the download. */
  readonly completed: boolean;
  /** Seconds. */
  readonly now: number;
  /** A download that has made no progress for so many seconds has stalled. */
  readonly stallSeconds: number;
  /** By what it is admitted, if it is not known yet. */
  readonly admission: Admission;
}

/** A peer that is not known yet. */
export type Newcomer = Pick<PeerUpdate, "address" | "port" | "key" | "admission">;

/** What was known of a peer that is stored again. Mutable, used again for every announce. */
export class PutOutcome implements AdmissionOutcome {
  /** Its download has made no progress for too long. */
  stalled = false;
  /** It is a bridge. */
  bridge = false;
  /** Its record is a duplicate (peer-record.ts). */
  duplicate = false;
  /** Where its client is in the list of the other family, or -1 where that is not known. */
  other = -1;
  /** Word B of its record until now, signed; 0 for a peer that was not known as an incomplete one. */
  before = 0;
  /** Whether it was refused: as the tracker is full, or as its address has as many peers as it may have. */
  refused: AdmissionOutcome["refused"] = ADMITTED;
  /** Another peer of its household made room for it. */
  displaced = false;

  /** As for a newcomer. */
  clear(): void {
    this.stalled = false;
    this.bridge = false;
    this.duplicate = false;
    this.other = -1;
    this.before = 0;
    this.refused = ADMITTED;
    this.displaced = false;
  }
}

/**
 * Word B of an incomplete peer that announces.
 * @param before its word B until now; 0 if it was not known, or complete.
 */
export function leecherState(update: PeerUpdate, before: number, key: number, outcome: PutOutcome): number {
  const { now, left, identity, stallSeconds } = update;
  const tick = progressTick(now, stallSeconds);
  let progress = tick;
  if (before !== 0) {
    outcome.before = before;
    outcome.stalled = hasStalled(before, now, left, stallSeconds);
    outcome.bridge = isBridge(key);
    if (outcome.stalled) progress = stalledTick(tick);
    else if (left >= leftOf(before)) progress = before & 15;
  }
  return packLeecher(now, identity, left, progress);
}

/** Word B of a complete peer that announces. @param before its word B until now; 0 if it was not known as one. */
export function seederState({ now, identity, completed }: PeerUpdate, before: number): number {
  return packSeeder(now, identity, dwellOf(before), completed ? COUNTED : before & COUNTED);
}
