/**
 * Kernel resources of an engine, recorded in shared memory. They belong to the process, not to the thread: after a
 * crash of the thread they stay open, and the control plane reclaims them from this record. It unmaps memory first, as
 * mappings keep the ring open, and the ring keeps its sockets open.
 *
 * Layout in words: the ring's descriptor; the eventfd; the mapping with the ring's completions, and their offsets; all
 * mappings, each as address (low word first) and length; the descriptors of the listening sockets; those of the
 * connections. Unused descriptors are -1, unused lengths 0.
 */
import type { CompletionOffsets } from "./completions.ts";

const RING = 0;
const WAKE = 1;
const MAPPING_WORDS = 3;
const RING_MAPPING = 2;
const COMPLETIONS = RING_MAPPING + MAPPING_WORDS;
const MAPPINGS = COMPLETIONS + 4;
/** More than an engine uses, which is about a dozen. */
const MOST_MAPPINGS = 16;
const SOCKETS = MAPPINGS + MOST_MAPPINGS * MAPPING_WORDS;

const WORD = 2n ** 32n;

/** Additional connections that are being closed: closing takes a while, during which new ones are accepted. */
const CLOSING = 1024;

/** The shared memory of one engine's record. */
export type ResourceData = Int32Array<SharedArrayBuffer>;

/** A mapped region of the process. */
export interface Mapping {
  readonly at: bigint;
  readonly length: number;
}

/** A ring's descriptor, and the location of its completions. */
export interface RingPlace {
  readonly fd: number;
  readonly memory: Mapping;
  readonly completionOffsets: CompletionOffsets;
}

/** Allocates the record for an engine with these numbers of listening sockets and connections. */
export function allocateResources(sockets: number, connections: number): ResourceData {
  return clear(new Int32Array(new SharedArrayBuffer((SOCKETS + sockets + connections + CLOSING) * 4)));
}

/** An engine's view, for writing. */
export class Resources {
  /** The descriptor of each connection, or -1. */
  readonly connections: ResourceData;
  readonly #data: ResourceData;
  readonly #sockets: ResourceData;

  /** @param data from {@link allocateResources}. @param connections the engine's limit. */
  constructor(data: ResourceData, connections: number) {
    const first = data.length - connections - CLOSING;
    this.#data = data;
    this.#sockets = data.subarray(SOCKETS, first);
    this.connections = data.subarray(first);
  }

  /** The ring's descriptor, and the location of its completions. */
  set ring({ fd, memory, completionOffsets }: RingPlace) {
    const { head, tail, mask, cqes } = completionOffsets;
    this.#data.set([head, tail, mask, cqes], COMPLETIONS);
    this.#noteMapping(RING_MAPPING, memory);
    this.#data[RING] = fd;
  }
  set wake(fd: number) {
    this.#data[WAKE] = fd;
  }

  /** The listening sockets. */
  set sockets(fds: readonly number[]) {
    this.#sockets.set(fds);
  }

  /** All mapped regions. */
  set mappings(mappings: readonly Mapping[]) {
    for (const [i, mapping] of mappings.entries()) this.#noteMapping(MAPPINGS + i * MAPPING_WORDS, mapping);
  }

  #noteMapping(word: number, { at, length }: Mapping): void {
    this.#data.set([Number(at % WORD), Number(at / WORD), length], word);
  }
}

/** The resources that an engine has recorded. */
export interface Remains {
  /** The ring's memory, if there was a ring. */
  readonly ring: Omit<RingPlace, "fd"> | undefined;
  readonly mappings: readonly Mapping[];
  readonly descriptors: readonly number[];
}

/** Reads the record of an ended thread, and clears it. */
export function takeResources(data: ResourceData): Remains {
  const [head, tail, mask, cqes] = data.subarray(COMPLETIONS, MAPPINGS);
  const memory = mappingAt(data, RING_MAPPING);
  const ring = memory.length > 0 ? { memory, completionOffsets: { head, tail, mask, cqes } } : undefined;
  const mappings: Mapping[] = [];
  for (let word = MAPPINGS; data[word + 2] > 0 && word < SOCKETS; word += MAPPING_WORDS) {
    mappings.push(mappingAt(data, word));
  }
  const descriptors = [data[RING], data[WAKE], ...data.subarray(SOCKETS)].filter((fd) => fd >= 0);
  clear(data);
  return { ring, mappings, descriptors };
}

function mappingAt(data: ResourceData, word: number): Mapping {
  const at = BigInt(data[word + 1]) * WORD + BigInt(data[word] >>> 0);
  return { at, length: data[word + 2] };
}

function clear(data: ResourceData): ResourceData {
  return data.fill(-1).fill(0, RING_MAPPING, SOCKETS);
}
