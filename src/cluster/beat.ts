/**
 * A heartbeat: a header, whose `first sequence` is the number of the next record, and
 *
 *     flags:8 (1: ready)  digest round:32  peers:32  swarms:32  version length:8  version
 */
import { readWord, writeWord } from "../model/address.ts";

const READY = 1;
const AT = { flags: 0, round: 1, peers: 5, swarms: 9, versionLength: 13, version: 14 } as const;
const VERSION = /^[\w.+-]{1,32}$/;
/** The most bytes of a heartbeat behind the header. */
export const BEAT_BYTES_MAX = AT.version + 32;

/** What a heartbeat says. */
export interface Beat {
  /** Whether the node has caught up. */
  isReady: boolean;
  /** The round of digests that all nodes begin now (digest.ts), as the first node by name says; 0: none. */
  digestRound: number;
  peers: number;
  swarms: number;
  /** The version of the program. */
  version: string;
}

/** Writes a heartbeat behind a header. @returns the offset after it. */
export function writeBeat(beat: Beat, out: Uint8Array, at: number): number {
  const version = beat.version.slice(0, 32);
  out[at + AT.flags] = beat.isReady ? READY : 0;
  writeWord(out, at + AT.round, beat.digestRound);
  writeWord(out, at + AT.peers, beat.peers);
  writeWord(out, at + AT.swarms, beat.swarms);
  out[at + AT.versionLength] = version.length;
  for (let i = 0; i < version.length; i++) out[at + AT.version + i] = version.charCodeAt(i);
  return at + AT.version + version.length;
}

/** Reads a heartbeat. @returns undefined if the bytes are none. */
export function readBeat(bytes: Uint8Array, at: number): Beat | undefined {
  if (bytes.length < at + AT.version) return undefined;
  const end = at + AT.version + bytes[at + AT.versionLength];
  if (end > bytes.length) return undefined;
  const version = String.fromCharCode(...bytes.subarray(at + AT.version, end));
  if (!VERSION.test(version)) return undefined;
  return {
    isReady: (bytes[at + AT.flags] & READY) !== 0,
    digestRound: readWord(bytes, at + AT.round),
    peers: readWord(bytes, at + AT.peers),
    swarms: readWord(bytes, at + AT.swarms),
    version,
  };
}
