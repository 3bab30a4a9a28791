import type { Address } from "../model/address.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { makeKey } from "./layout/key.ts";

/** The key that a peer is stored under: a group, whether its copy is complete, and its address private. */
export function peerKey(address: Address, group: number, complete: boolean): number {
  return makeKey(group, complete, isPrivate(address));
}
