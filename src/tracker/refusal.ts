import { Address } from "../model/address.ts";

/** The last request that was refused, whatever protocol carried it: a sample for the log. */
export class Refusal {
  readonly address = new Address();
  reason = "";

  /** Takes the place of what was noted before. @param reason a constant: this is called for every one. */
  note(address: Address, reason: string): void {
    this.address.copyFrom(address);
    this.reason = reason;
  }
}
