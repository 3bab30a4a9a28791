import { Address } from "../model/address.ts";
import { REFUSALS_AT } from "../model/counters.ts";

/** Counts a worker's refused requests by reason, and keeps the last one as a sample for the log. */
export class Refusal {
  readonly address = new Address();
  /** Index in REFUSAL_REASONS (model/refusals.ts). */
  reason = 0;
  /** The number of refused requests. */
  count = 0;
  readonly #counters: Float64Array;

  /** @param counters of model/counters.ts. */
  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  /** Records a refused request. @param reason index in REFUSAL_REASONS. */
  note(address: Address, reason: number): void {
    this.address.copyFrom(address);
    this.reason = reason;
    this.count++;
    this.#counters[REFUSALS_AT + reason]++;
  }
}
