/**
 * Limits the announces of each client address, so that no address occupies all places: a place at a tracker that does not
 * answer is held until the timeout, and clients choose the trackers. Addresses count by household (model/address.ts).
 */
import { householdOf } from "../model/address.ts";
import type { Job } from "./upstream.ts";

/** The limits of one address. */
export interface ShareLimits {
  /** Announces that are sent or in the queues of trackers. Further ones wait until one of these ends. */
  readonly maxPerAddress: number;
  /** All of its unfinished announces. */
  readonly maxHeldPerAddress: number;
}

/** The announces of one address. */
interface Share {
  held: number;
  placed: number;
  /** Announces that wait for a place. */
  readonly waiting: Job[];
}

/** The shares of all addresses with announces. */
export class AddressShares {
  readonly #limits: ShareLimits;
  readonly #shares = new Map<string, Share>();

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Counts an announce until {@link release}. @returns false when its address has reached the limit. */
  hold(job: Job): boolean {
    const key = householdOf(job.task.address);
    const share = this.#shares.get(key) ?? { held: 0, placed: 0, waiting: [] };
    if (share.held >= this.#limits.maxHeldPerAddress) return false;
    share.held++;
    this.#shares.set(key, share);
    return true;
  }

  /** Ends the counting of a finished announce. */
  release(job: Job): void {
    const key = householdOf(job.task.address);
    const share = this.#shares.get(key)!;
    if (--share.held === 0) this.#shares.delete(key);
  }

  /** Takes a place for an announce until {@link leave}. @returns false when it has to wait. */
  place(job: Job): boolean {
    const share = this.#shares.get(householdOf(job.task.address))!;
    if (share.placed < this.#limits.maxPerAddress) {
      share.placed++;
      return true;
    }
    share.waiting.push(job);
    return false;
  }

  /** Frees the place of an announce. */
  leave(job: Job): void {
    this.#shares.get(householdOf(job.task.address))!.placed--;
  }

  /** Removes the next waiting announce of the same address, if there is a place for it. */
  next(job: Job): Job | undefined {
    const share = this.#shares.get(householdOf(job.task.address))!;
    return share.placed < this.#limits.maxPerAddress ? share.waiting.shift() : undefined;
  }
}
