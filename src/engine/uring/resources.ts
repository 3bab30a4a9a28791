/**
 * What an engine has of the kernel, noted down in shared memory. The kernel keeps it for the process, not for the
 * thread, and a thread that dies gives nothing back: whoever sees it die does. The mappings go first, for they hold the
 * ring, and the ring holds every socket that it waits for.
 *
 * The words of the memory: the descriptor of the ring, and of what wakes the engine; for each mapping its address, low
 * word first, and its length; the descriptors of the listening sockets, and of the connections. Descriptors are -1, and
 * lengths 0, where there is none.
 */

const RING = 0;
const WAKE = 1;
const MAPPINGS = 2;
const MAPPING_WORDS = 3;
/** An engine has a dozen. */
const MOST_MAPPINGS = 16;
const SOCKETS = MAPPINGS + MOST_MAPPINGS * MAPPING_WORDS;

const WORD = 2n ** 32n;

/** Shared memory for what an engine can have. */
export type ResourceData = Int32Array<SharedArrayBuffer>;

/** A piece of memory of the process. */
export interface Mapping {
  readonly at: bigint;
  readonly length: number;
}

/** Allocates the memory for an engine with so many sockets to listen on, and connections. */
export function allocateResources(sockets: number, connections: number): ResourceData {
  return clear(new Int32Array(new SharedArrayBuffer((SOCKETS + sockets + connections) * 4)));
}

/** An engine's view: it writes down what it has. */
export class Resources {
  /** The descriptor of each connection, or -1. */
  readonly connections: ResourceData;
  readonly #data: ResourceData;
  readonly #sockets: ResourceData;

  /** @param data as {@link allocateResources} made it. @param connections how many there can be. */
  constructor(data: ResourceData, connections: number) {
    const first = data.length - connections;
    this.#data = data;
    this.#sockets = data.subarray(SOCKETS, first);
    this.connections = data.subarray(first);
  }

  set ring(fd: number) {
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
    for (const [i, { at, length }] of mappings.entries()) {
      this.#data.set([Number(at % WORD), Number(at / WORD), length], MAPPINGS + i * MAPPING_WORDS);
    }
  }
}

/** What a thread that is no more has left; afterwards there is nothing. */
export function takeResources(data: ResourceData): { mappings: Mapping[]; descriptors: number[] } {
  const mappings: Mapping[] = [];
  for (let word = MAPPINGS; data[word + 2] > 0 && word < SOCKETS; word += MAPPING_WORDS) {
    const at = BigInt(data[word + 1]) * WORD + BigInt(data[word] >>> 0);
    mappings.push({ at, length: data[word + 2] });
  }
  const descriptors = [data[RING], data[WAKE], ...data.subarray(SOCKETS)].filter((fd) => fd >= 0);
  clear(data);
  return { mappings, descriptors };
}

function clear(data: ResourceData): ResourceData {
  return data.fill(-1).fill(0, MAPPINGS, SOCKETS);
}
