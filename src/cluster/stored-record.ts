/** Records of peers as they are in the store, for nodes that do not have them. */
import type { Family } from "../model/address.ts";
import { copyInfoHash } from "../store/layout/entry.ts";
import { hasMark, isComplete, portOf } from "../store/layout/key.ts";
import { identityOf, isCounted, leftOf, readAddress, wordAOf, wordBAt } from "../store/layout/peer.ts";
import { type PeerRecord, RECORD_FLAG } from "./record.ts";

/**
 * Reads a peer into a record. The caller holds the shard.
 * @param words the store's. @param entry the peer's swarm. @param record the first word of the peer's record.
 */
export function readStored(
  words: Uint32Array,
  entry: number,
  record: number,
  family: Family,
  out: PeerRecord,
): void {
  const wordA = wordAOf(record, family);
  const key = words[wordA] | 0;
  const state = wordBAt(words, wordA);
  const counted = isComplete(key) && isCounted(state);
  copyInfoHash(words, entry, out.infoHash);
  readAddress(words, record, family, out.address);
  out.port = portOf(words[wordA]);
  out.left = isComplete(key) ? 0 : leftOf(state);
  out.flags =
    RECORD_FLAG.identity | (counted ? RECORD_FLAG.counted : 0) | (hasMark(key) ? RECORD_FLAG.marked : 0);
  out.client = identityOf(key, state);
}
