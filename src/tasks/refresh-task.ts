/**
 * The task of asking other trackers for peers of a swarm:
 *
 *     info-hash:160  new:1  announced peers:31
 */
import { readWord, writeWord } from "../model/address.ts";

const PEERS_AT = 20;
const NEW = 0x8000_0000;

/** Bytes of the task. */
export const REFRESH_BYTES = 24;

/** What is to be asked for. */
export interface RefreshTask {
  /** Five words. */
  readonly infoHash: Uint32Array;
  /** Peers that have announced themselves. */
  readonly peers: number;
  /** Whether others have not been asked since somebody began to announce it: what they had said is forgotten. */
  readonly isNew: boolean;
}

/** Writes a task. */
export function writeRefresh(out: Uint8Array, infoHash: Uint32Array, peers: number, isNew: boolean): void {
  for (let i = 0; i < 5; i++) writeWord(out, 4 * i, infoHash[i]);
  writeWord(out, PEERS_AT, isNew ? peers | NEW : peers);
}

/** Reads a task. */
export function readRefresh(bytes: Uint8Array): RefreshTask {
  const peers = readWord(bytes, PEERS_AT);
  return {
    infoHash: Uint32Array.from({ length: 5 }, (_, i) => readWord(bytes, 4 * i)),
    peers: peers & ~NEW,
    isNew: (peers & NEW) !== 0,
  };
}
