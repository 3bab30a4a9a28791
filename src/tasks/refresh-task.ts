/**
 * The bytes of a task to ask neighbors for peers of a swarm (`TASK.refresh`):
 *
 *     info-hash:160  new:1  announced peers:31
 */

import { readWord, writeWord } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";

const PEERS_AT = 20;
const NEW = 0x8000_0000;

/** Length of the task in bytes. */
export const REFRESH_BYTES = 24;

/** A task that was read. */
export interface RefreshTask {
  /** Five words. */
  readonly infoHash: Uint32Array;
  /** The number of peers that have announced themselves. */
  readonly peers: number;
  /** Whether neighbors have not been asked since the swarm appeared: earlier replies are forgotten. */
  readonly isNew: boolean;
}

/** Writes a task. */
export function writeRefresh(out: Uint8Array, infoHash: Uint32Array, peers: number, isNew: boolean): void {
  for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(out, 4 * i, infoHash[i]);
  writeWord(out, PEERS_AT, isNew ? peers | NEW : peers);
}

/** Reads a task. */
export function readRefresh(bytes: Uint8Array): RefreshTask {
  const peers = readWord(bytes, PEERS_AT);
  return {
    infoHash: Uint32Array.from({ length: INFO_HASH_WORDS }, (_, i) => readWord(bytes, 4 * i)),
    peers: peers & ~NEW,
    isNew: (peers & NEW) !== 0,
  };
}
