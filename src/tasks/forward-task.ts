/**
 * The bytes of a task to ask an upstream tracker (`TASK.forward`). The data plane writes them, and the control plane
 * reads them. Numbers are in network order:
 *
 *     scheme 1, event 1, mode 1, unused 1, port 2, lengths of authority, path with query, and User-Agent 2 each,
 *     client's address 16, info-hash 20, keys of swarm and client in ask-times.ts 8 each, then the three texts
 */

import { Address, readWord, writeWord } from "../model/address.ts";
import type { AnnounceEvent, AnnounceRequest } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { MODE, type Mode } from "../wire/host-rules.ts";
import { REQUEST_LINE_LIMIT } from "../wire/http-request.ts";
import type { TrackerUrl } from "../wire/tracker-url.ts";

const PORT = 4;
const LENGTHS = 6;
const ADDRESS = 12;
const INFO_HASH = 28;
const KEYS = 48;
const TEXTS = 64;

/** Indexed by the numbers in wire/tracker-url.ts. */
const SCHEME_NAMES = ["http", "https", "udp"] as const;

/** Longest User-Agent that is passed on. A longer one is left out. */
const USER_AGENT_LIMIT = 256;

/** The bytes of a task. Mutable, and reused for every task of a worker. */
export class ForwardTaskBytes {
  readonly bytes = new Uint8Array(TEXTS + REQUEST_LINE_LIMIT + USER_AGENT_LIMIT);
  /** How many of {@link bytes} are the task. */
  length = 0;

  /**
   * Writes a task without the User-Agent.
   * @param keys in ask-times.ts: two words for the swarm and two for the client.
   */
  write(url: TrackerUrl, request: AnnounceRequest, mode: Mode, keys: Int32Array): void {
    const { bytes } = this;
    bytes[0] = url.scheme;
    bytes[1] = request.event;
    bytes[2] = mode;
    this.#writeShort(PORT, request.port);
    this.#writeShort(LENGTHS, url.authorityEnd - url.authorityStart);
    this.#writeShort(LENGTHS + 2, url.queryEnd - url.pathStart);
    this.#writeShort(LENGTHS + 4, 0);
    request.address.writeBytes(bytes, ADDRESS);
    for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(bytes, INFO_HASH + 4 * i, request.infoHash[i]);
    for (let i = 0; i < 4; i++) writeWord(bytes, KEYS + 4 * i, keys[i]);
    this.length = TEXTS;
    this.#append(url.bytes, url.authorityStart, url.authorityEnd);
    this.#append(url.bytes, url.pathStart, url.queryEnd);
  }

  /** Adds the client's User-Agent, `from[start, end)`, unless it is too long. */
  addUserAgent(from: Uint8Array, start: number, end: number): void {
    if (end - start > USER_AGENT_LIMIT) return;
    this.#writeShort(LENGTHS + 4, end - start);
    this.#append(from, start, end);
  }

  #writeShort(at: number, value: number): void {
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  #append(from: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.bytes[this.length++] = from[i];
  }
}

/** A task that was read. Texts have one character for each byte. */
export interface ForwardTask {
  readonly scheme: "http" | "https" | "udp";
  readonly event: AnnounceEvent;
  /** Whether the upstream tracker's peers are passed on to the client in any case (MODE.observe). */
  readonly isObserved: boolean;
  /** The address and port at which the client accepts connections. */
  readonly address: Address;
  readonly port: number;
  readonly infoHash: Uint32Array;
  /** Keys in ask-times.ts: place and tag. */
  readonly swarm: readonly [number, number];
  readonly client: readonly [number, number];
  /** Host and port, as in the request. */
  readonly authority: string;
  /** Path and query, as in the request. */
  readonly path: string;
  readonly userAgent: string;
}

/** Reads the bytes of a {@link ForwardTaskBytes}. */
export function readForwardTask(task: Uint8Array<ArrayBuffer>): ForwardTask {
  const view = new DataView(task.buffer, task.byteOffset, task.byteLength);
  const text = (i: number) => String.fromCharCode(...task.subarray(ends[i], ends[i + 1]));
  const address = new Address();
  address.setBytes(task, ADDRESS);
  const ends = [TEXTS];
  for (let i = 0; i < 3; i++) ends.push(ends[i] + view.getUint16(LENGTHS + 2 * i));
  const key = (at: number) => [view.getInt32(at), view.getInt32(at + 4)] as const;
  return {
    scheme: SCHEME_NAMES[task[0]],
    event: task[1] as AnnounceEvent,
    isObserved: task[2] === MODE.observe,
    address,
    port: view.getUint16(PORT),
    infoHash: Uint32Array.from({ length: INFO_HASH_WORDS }, (_, i) => readWord(task, INFO_HASH + 4 * i)),
    swarm: key(KEYS),
    client: key(KEYS + 8),
    authority: text(0),
    path: text(1),
    userAgent: text(2),
  };
}
