/** Which addresses may be connected to. */
import type { Address } from "../model/address.ts";
import type { Prefix } from "../network/prefix.ts";
import { buildPrefixSet, PrefixTable } from "../network/prefix-table.ts";
import { isSpecialPurpose } from "../network/special-purpose.ts";

/** Says whether an address may be connected to. Asked about every address that a name resolved to. */
export type AddressGuard = (address: Address) => boolean;

/**
 * A guard for URLs that strangers choose: nothing of a special purpose, so that nobody reaches what is only near us.
 * @param denied prefixes that are refused beside them: this machine's own addresses, and what the operator names.
 */
export function publicAddressesExcept(denied: readonly Prefix[]): AddressGuard {
  const table = new PrefixTable(buildPrefixSet(denied));
  return (address) => !isSpecialPurpose(address) && table.lookup(address) === 0;
}
