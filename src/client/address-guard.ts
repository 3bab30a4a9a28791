/** Decides which addresses may be connected to. */
import type { Address } from "../model/address.ts";
import type { Prefix } from "../network/prefix.ts";
import { buildPrefixSet, PrefixTable } from "../network/prefix-table.ts";
import { isSpecialPurpose } from "../network/special-purpose.ts";
import { parseTarget, type Target } from "./target.ts";

/**
 * Returns whether an address may be connected to. Called for every address that a name resolved to.
 * @param target the host and port that resolved to the address; after a redirect, those of its location.
 */
export type AddressGuard = (address: Address, target: Pick<Target, "host" | "port">) => boolean;

/**
 * A guard for URLs that strangers choose: it refuses special-purpose addresses, so that strangers cannot reach local
 * services.
 * @param denied prefixes to refuse as well: this machine's own addresses, and the operator's configuration.
 */
export function publicAddressesExcept(denied: readonly Prefix[]): AddressGuard {
  const table = new PrefixTable(buildPrefixSet(denied));
  return (address) => !isSpecialPurpose(address) && table.lookup(address) === 0;
}

/**
 * A guard for a URL that the operator configured: its host may have any address, on its port. Redirects to another host
 * or port are checked like a stranger's URL.
 * @param denied as for {@link publicAddressesExcept}.
 */
export function chosenOrPublicExcept(url: string, denied: readonly Prefix[]): AddressGuard {
  const chosen = parseTarget(url, false);
  const isPublic = publicAddressesExcept(denied);
  if (typeof chosen === "string") return isPublic;
  return (address, target) =>
    (target.host === chosen.host && target.port === chosen.port) || isPublic(address, target);
}
