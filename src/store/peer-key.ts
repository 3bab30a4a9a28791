import type { Address } from "../model/address.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { KEY_COMPLETE, KEY_PRIVATE } from "./peer-record.ts";

/** The key that a peer is stored under: its group, whether its copy is complete, and its address private. */
export function peerKey(address: Address, groups: PeerGroups, complete: boolean): number {
  return groups.groupOf(address) | (complete ? KEY_COMPLETE : 0) | (isPrivate(address) ? KEY_PRIVATE : 0);
}
