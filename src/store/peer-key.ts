import type { Address } from "../model/address.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { makeKey } from "./layout/key.ts";

/** The key of a peer. It depends on the group, on whether the peer is complete, and on whether its address is private. */
export function peerKey(address: Address, group: number, complete: boolean): number {
  return makeKey(group, complete, isPrivate(address));
}
