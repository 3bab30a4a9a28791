/**
 * What a node of the cluster tells the others of its neighbors, so that they need not ask as well: that it asks a neighbor
 * about a swarm, or what the neighbor has answered. The bytes, numbers big-endian:
 *
 *     flags:8  name length:8  expires in:32 (s)  IPv4 peers:16  IPv6 peers:16  info-hash:160  name  peers in compact form
 *
 * They come from another node, so they are hostile until they are read.
 */
import { readPort, readWord, writePort, writeWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";

/** What is told. Plain data, which can be sent between threads. */
export interface SharedAnswer {
  /** The name of the neighbor in the configuration. */
  readonly neighbor: string;
  readonly infoHash: Uint32Array;
  /** Whether the neighbor reports all peers as complete. */
  readonly complete: boolean;
  /** Seconds until the peers expire. */
  readonly expiresIn: number;
  /** In compact form; empty when the neighbor is being asked. */
  readonly peers: Uint8Array;
  readonly peers6: Uint8Array;
}

const COMPLETE = 1;
const AT = { flags: 0, nameLength: 1, expires: 2, count4: 6, count6: 8, infoHash: 10, name: 30 } as const;
const NAME_BYTES_MAX = 255;
/** The most peers of a family: as many as a swarm can have from other trackers. */
const PEERS_MAX = 1000;
/** The most bytes. */
export const SHARED_BYTES_MAX = AT.name + NAME_BYTES_MAX + PEERS_MAX * (COMPACT_BYTES[4] + COMPACT_BYTES[6]);

const TEXT = new TextEncoder();

/** Encodes it. @returns undefined if the name is too long. */
export function encodeShared({ neighbor, infoHash, ...answer }: SharedAnswer): Uint8Array | undefined {
  const name = TEXT.encode(neighbor);
  if (name.length > NAME_BYTES_MAX) return undefined;
  const peers = answer.peers.subarray(0, PEERS_MAX * COMPACT_BYTES[4]);
  const peers6 = answer.peers6.subarray(0, PEERS_MAX * COMPACT_BYTES[6]);
  const out = new Uint8Array(AT.name + name.length + peers.length + peers6.length);
  out[AT.flags] = answer.complete ? COMPLETE : 0;
  out[AT.nameLength] = name.length;
  writeWord(out, AT.expires, answer.expiresIn);
  writePort(out, AT.count4, peers.length / COMPACT_BYTES[4]);
  writePort(out, AT.count6, peers6.length / COMPACT_BYTES[6]);
  for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(out, AT.infoHash + 4 * i, infoHash[i]);
  out.set(name, AT.name);
  out.set(peers, AT.name + name.length);
  out.set(peers6, AT.name + name.length + peers.length);
  return out;
}

/** Reads it. @returns undefined if the bytes are none. */
export function decodeShared(bytes: Uint8Array): SharedAnswer | undefined {
  if (bytes.length < AT.name || bytes.length > SHARED_BYTES_MAX) return undefined;
  const first = AT.name + bytes[AT.nameLength];
  const second = first + readPort(bytes, AT.count4) * COMPACT_BYTES[4];
  if (second + readPort(bytes, AT.count6) * COMPACT_BYTES[6] !== bytes.length) return undefined;
  return {
    neighbor: new TextDecoder().decode(bytes.subarray(AT.name, first)),
    infoHash: Uint32Array.from({ length: INFO_HASH_WORDS }, (_, i) => readWord(bytes, AT.infoHash + 4 * i)),
    complete: (bytes[AT.flags] & COMPLETE) !== 0,
    expiresIn: readWord(bytes, AT.expires),
    peers: bytes.slice(first, second),
    peers6: bytes.slice(second),
  };
}
