/**
 * The errand of asking other trackers for peers of a swarm:
 *
 *     info-hash:160  announced peers:32
 */
import { readWord, writeWord } from "../model/address.ts";

const PEERS_AT = 20;

/** Bytes of the errand. */
export const REFRESH_BYTES = 24;

/** What is to be asked for. */
export interface RefreshErrand {
  /** Five words. */
  readonly infoHash: Uint32Array;
  /** Peers that have announced themselves. */
  readonly peers: number;
}

/** Writes an errand. */
export function writeRefresh(out: Uint8Array, infoHash: Uint32Array, peers: number): void {
  for (let i = 0; i < 5; i++) writeWord(out, 4 * i, infoHash[i]);
  writeWord(out, PEERS_AT, peers);
}

/** Reads an errand. */
export function readRefresh(bytes: Uint8Array): RefreshErrand {
  return {
    infoHash: Uint32Array.from({ length: 5 }, (_, i) => readWord(bytes, 4 * i)),
    peers: readWord(bytes, PEERS_AT),
  };
}
