import type { Address } from "../model/address.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { KEY_COMPLETE, KEY_PRIVATE } from "./peer-record.ts";

/** The key that a peer is stored under: a group, whether its copy is complete, and its address private. */
export function peerKey(address: Address, group: number, complete: boolean): number {
  return group | (complete ? KEY_COMPLETE : 0) | (isPrivate(address) ? KEY_PRIVATE : 0);
}
