/**
 * How much of the places each client address has, so that no one takes them all: with trackers that do not answer a place
 * is held for long, and names of such trackers anybody can make up. Addresses count by household (model/address.ts).
 */
import { householdOf } from "../model/address.ts";
import type { Job } from "./upstream.ts";

/** What one address may take. */
export interface ShareLimits {
  /** Announces on their way, or in the queues of trackers: the others wait until one of these is over. */
  readonly maxPerAddress: number;
  /** All of its announces that are not over. */
  readonly maxHeldPerAddress: number;
}

/** What one address has. */
interface Share {
  held: number;
  placed: number;
  /** Without a place. */
  readonly waiting: Job[];
}

/** The shares of all addresses that have any. */
export class AddressShares {
  readonly #limits: ShareLimits;
  readonly #shares = new Map<string, Share>();

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Takes an announce in, until {@link release}. @returns false when its address has as many as it may. */
  hold(job: Job): boolean {
    const key = householdOf(job.task.address);
    const share = this.#shares.get(key) ?? { held: 0, placed: 0, waiting: [] };
    if (share.held >= this.#limits.maxHeldPerAddress) return false;
    share.held++;
    this.#shares.set(key, share);
    return true;
  }

  /** It is over. */
  release(job: Job): void {
    const key = householdOf(job.task.address);
    const share = this.#shares.get(key)!;
    if (--share.held === 0) this.#shares.delete(key);
  }

  /** Gives it a place, until {@link leave}. @returns false when it has to wait for one. */
  place(job: Job): boolean {
    const share = this.#shares.get(householdOf(job.task.address))!;
    if (share.placed < this.#limits.maxPerAddress) {
      share.placed++;
      return true;
    }
    share.waiting.push(job);
    return false;
  }

  /** It has left its place. */
  leave(job: Job): void {
    this.#shares.get(householdOf(job.task.address))!.placed--;
  }

  /** One of the same address that waits, if there is a place for it: when another has left its own, or is to have none. */
  next(job: Job): Job | undefined {
    const share = this.#shares.get(householdOf(job.task.address))!;
    return share.placed < this.#limits.maxPerAddress ? share.waiting.shift() : undefined;
  }
}
