/**
 * A peer as nodes tell each other: 46 bytes (IPv4) or 58 (IPv6), numbers big-endian.
 *
 *     kind:8  length:8 (of the whole record)  port:16  flags:8  age:24 (4 ms)  left:16 (coarseLeft)
 *     info-hash:160  client:32  received:32  sent:32 (KiB, modulo 2^32)  address:32 or 128
 *
 * A record of an unknown kind is skipped by its length, so that a newer node may send more kinds. A record of a known
 * kind may be longer than here: what follows is skipped as well.
 *
 * Groups are not sent: each node has its own configuration. `age` is the time since the announce when the message was
 * sent, so the clocks of the nodes need not agree.
 */
import { Address, readPort, readWord, writePort, writeWord } from "../model/address.ts";
import { LEFT_MAX } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { CHANGE_FLAG } from "../tasks/replication-ring.ts";

/** The kinds of records. */
export const KIND = { peer4: 1, peer6: 2, swarm: 3 } as const;

/** Bytes of a record of each kind. */
export const RECORD_BYTES = { [KIND.peer4]: 46, [KIND.peer6]: 58, [KIND.swarm]: 32 } as const;
/** The longest record. */
export const RECORD_BYTES_MAX = RECORD_BYTES[KIND.peer6];

/** Flags of a record. */
export const RECORD_FLAG = {
  ...CHANGE_FLAG,
  /** `client` has only the identity of the client: the store keeps no more (store/client-identity.ts). */
  identity: 64,
} as const;

/** Milliseconds in a unit of age, and the largest age. */
export const AGE_UNIT_MS = 4;
const AGE_MAX = 0xffffff;

const AT = { port: 2, flags: 4, age: 5, left: 8, infoHash: 10, client: 30, sums: 34, address: 42 } as const;

/** A record that was read, or is to be written. Mutable, reused. */
export class PeerRecord {
  readonly infoHash = new Uint32Array(INFO_HASH_WORDS);
  readonly address = new Address();
  port = 0;
  flags = 0;
  ageMs = 0;
  left = 0;
  client = 0;
  /** KiB received and sent. */
  readonly sums = new Float64Array(2);
}

/** Writes a record of a peer. @returns the offset after it. */
export function writeRecord(record: PeerRecord, out: Uint8Array, at: number): number {
  const { address, sums } = record;
  const kind = address.family === 4 ? KIND.peer4 : KIND.peer6;
  const length = RECORD_BYTES[kind];
  out[at] = kind;
  out[at + 1] = length;
  writePort(out, at + AT.port, record.port);
  out[at + AT.flags] = record.flags;
  writeAge(out, at, record.ageMs);
  writePort(out, at + AT.left, record.left);
  for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(out, at + AT.infoHash + i * 4, record.infoHash[i]);
  writeWord(out, at + AT.client, record.client);
  writeWord(out, at + AT.sums, sums[0]);
  writeWord(out, at + AT.sums + 4, sums[1]);
  const words = address.family === 4 ? 1 : 4;
  for (let i = 0; i < words; i++) writeWord(out, at + AT.address + i * 4, address.words[i]);
  return at + length;
}

/** Makes a record of a stop say nothing of a completion. @returns false if it is no record of a stop. */
export function clearCounted(out: Uint8Array, at: number): boolean {
  out[at + AT.flags] &= ~RECORD_FLAG.counted;
  return (out[at + AT.flags] & RECORD_FLAG.stopped) !== 0;
}

/** Writes the age of the record at `out[at]`. */
export function writeAge(out: Uint8Array, at: number, ageMs: number): void {
  const units = Math.min(AGE_MAX, Math.max(0, Math.round(ageMs / AGE_UNIT_MS)));
  out[at + AT.age] = units >>> 16;
  out[at + AT.age + 1] = units >>> 8;
  out[at + AT.age + 2] = units;
}

/** The kind of the record at `bytes[at]`. */
export function kindAt(bytes: Uint8Array, at: number): number {
  return bytes[at];
}

/** The length of the record at `bytes[at]`; 0 if it is cut off, or shorter than its kind needs. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  if (at + 2 > bytes.length) return 0;
  const length = bytes[at + 1];
  const kind = bytes[at];
  const least = kind === KIND.peer4 || kind === KIND.peer6 || kind === KIND.swarm ? RECORD_BYTES[kind] : 2;
  return length < least || at + length > bytes.length ? 0 : length;
}

/** Reads a peer's record, whose length was checked. */
export function readRecord(bytes: Uint8Array, at: number, out: PeerRecord): void {
  out.port = readPort(bytes, at + AT.port);
  out.flags = bytes[at + AT.flags];
  const units = (bytes[at + AT.age] << 16) | (bytes[at + AT.age + 1] << 8) | bytes[at + AT.age + 2];
  out.ageMs = units * AGE_UNIT_MS;
  out.left = Math.min(readPort(bytes, at + AT.left), LEFT_MAX);
  for (let i = 0; i < INFO_HASH_WORDS; i++) out.infoHash[i] = readWord(bytes, at + AT.infoHash + i * 4);
  out.client = readWord(bytes, at + AT.client) | 0;
  out.sums[0] = readWord(bytes, at + AT.sums);
  out.sums[1] = readWord(bytes, at + AT.sums + 4);
  if (bytes[at] === KIND.peer4) out.address.setIPv4(readWord(bytes, at + AT.address));
  else out.address.setBytes(bytes, at + AT.address);
}

/**
 * What is known of a swarm besides its peers, for a node that catches up:
 *
 *     kind:8  length:8  info-hash:160  downloaded:32  age:32 (seconds since the first announce)  zero:16
 */
export class SwarmRecord {
  readonly infoHash = new Uint32Array(INFO_HASH_WORDS);
  downloaded = 0;
  ageSeconds = 0;
}

const SWARM_AT = { infoHash: 2, downloaded: 22, age: 26 } as const;

/** Writes a record of a swarm. @returns the offset after it. */
export function writeSwarm(swarm: SwarmRecord, out: Uint8Array, at: number): number {
  const length = RECORD_BYTES[KIND.swarm];
  out[at] = KIND.swarm;
  out[at + 1] = length;
  for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(out, at + SWARM_AT.infoHash + i * 4, swarm.infoHash[i]);
  writeWord(out, at + SWARM_AT.downloaded, swarm.downloaded);
  writeWord(out, at + SWARM_AT.age, swarm.ageSeconds);
  writePort(out, at + SWARM_AT.age + 4, 0);
  return at + length;
}

/** Reads a swarm's record, whose length was checked. */
export function readSwarm(bytes: Uint8Array, at: number, out: SwarmRecord): void {
  for (let i = 0; i < INFO_HASH_WORDS; i++) out.infoHash[i] = readWord(bytes, at + SWARM_AT.infoHash + i * 4);
  out.downloaded = readWord(bytes, at + SWARM_AT.downloaded);
  out.ageSeconds = readWord(bytes, at + SWARM_AT.age);
}
