/** Which addresses may be connected to. */
import type { Address } from "../model/address.ts";
import type { Prefix } from "../network/prefix.ts";
import { buildPrefixSet, PrefixTable } from "../network/prefix-table.ts";
import { isSpecialPurpose } from "../network/special-purpose.ts";
import { parseTarget, type Target } from "./target.ts";

/**
 * Says whether an address may be connected to. Asked about every address that a name resolved to.
 * @param target what it is an address of; after a redirect, what that leads to.
 */
export type AddressGuard = (address: Address, target: Pick<Target, "host" | "port">) => boolean;

/**
 * A guard for URLs that strangers choose: nothing of a special purpose, so that nobody reaches what is only near us.
 * @param denied prefixes that are refused beside them: this machine's own addresses, and what the operator names.
 */
export function publicAddressesExcept(denied: readonly Prefix[]): AddressGuard {
  const table = new PrefixTable(buildPrefixSet(denied));
  return (address) => !isSpecialPurpose(address) && table.lookup(address) === 0;
}

/**
 * A guard for a URL that the operator has chosen: its host may have any address, on its port. Whatever else it redirects to
 * was chosen by somebody else, and may have a stranger's.
 * @param denied as above.
 */
export function chosenOrPublicExcept(url: string, denied: readonly Prefix[]): AddressGuard {
  const chosen = parseTarget(url, false);
  const isPublic = publicAddressesExcept(denied);
  if (typeof chosen === "string") return isPublic;
  return (address, target) =>
    (target.host === chosen.host && target.port === chosen.port) || isPublic(address, target);
}
