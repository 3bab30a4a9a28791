/**
 * What an engine has of the kernel, noted down in shared memory. The kernel keeps it for the process, not for the
 * thread, and a thread that dies gives nothing back: whoever sees it die does. The mappings go first, for they hold the
 * ring, and the ring holds every socket that it waits for.
 *
 * The words of the memory: the descriptor of the ring, and of what wakes the engine; the mapping in which the ring's
 * completions are, and where; all mappings, each its address, low word first, and its length; the descriptors of the listening sockets, and of the connections. Descriptors are -1, and
 * lengths 0, where there is none.
 */
import type { CompletionOffsets } from "./completions.ts";

const RING = 0;
const WAKE = 1;
const MAPPING_WORDS = 3;
const RING_MAPPING = 2;
const COMPLETIONS = RING_MAPPING + MAPPING_WORDS;
const MAPPINGS = COMPLETIONS + 4;
/** An engine has a dozen. */
const MOST_MAPPINGS = 16;
const SOCKETS = MAPPINGS + MOST_MAPPINGS * MAPPING_WORDS;

const WORD = 2n ** 32n;

/**
 * Connections that are being closed, besides those there may be: the kernel takes a while, in which others come in their
 * place.
 */
const CLOSING = 1024;

/** Shared memory for what an engine can have. */
export type ResourceData = Int32Array<SharedArrayBuffer>;

/** A piece of memory of the process. */
export interface Mapping {
  readonly at: bigint;
  readonly length: number;
}

/** A ring's descriptor, and where in the process's memory its completions are. */
export interface RingPlace {
  readonly fd: number;
  readonly memory: Mapping;
  readonly completionOffsets: CompletionOffsets;
}

/** Allocates the memory for an engine with so many sockets to listen on, and connections that there may be. */
export function allocateResources(sockets: number, connections: number): ResourceData {
  return clear(new Int32Array(new SharedArrayBuffer((SOCKETS + sockets + connections + CLOSING) * 4)));
}

/** An engine's view: it writes down what it has. */
export class Resources {
  /** The descriptor of each connection, or -1. */
  readonly connections: ResourceData;
  readonly #data: ResourceData;
  readonly #sockets: ResourceData;

  /** @param data as {@link allocateResources} made it. @param connections how many there may be. */
  constructor(data: ResourceData, connections: number) {
    const first = data.length - connections - CLOSING;
    this.#data = data;
    this.#sockets = data.subarray(SOCKETS, first);
    this.connections = data.subarray(first);
  }

  /** The ring: its descriptor, and where its completions are. */
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

  /** All that is mapped. */
  set mappings(mappings: readonly Mapping[]) {
    for (const [i, mapping] of mappings.entries()) this.#noteMapping(MAPPINGS + i * MAPPING_WORDS, mapping);
  }

  #noteMapping(word: number, { at, length }: Mapping): void {
    this.#data.set([Number(at % WORD), Number(at / WORD), length], word);
  }
}

/** What is left of an engine. */
export interface Remains {
  /** The ring's memory, if there was a ring. */
  readonly ring: Omit<RingPlace, "fd"> | undefined;
  readonly mappings: readonly Mapping[];
  readonly descriptors: readonly number[];
}

/** What a thread that is no more has left; afterwards there is nothing. */
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
