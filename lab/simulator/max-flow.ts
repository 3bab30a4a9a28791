/** The maximum flow through a network, by Dinic's algorithm: shortest paths first, all of one length at a time. */

/** A directed network. */
export interface FlowNetwork {
  /** Nodes are numbered from 0. */
  readonly nodes: number;
  readonly edges: [from: number, to: number, capacity: number][];
}

/** Capacities are bytes. Less than one byte counts as nothing. */
const NEGLIGIBLE = 1;

/** The most that can flow from `source` to `sink`. */
export function maxFlow(network: FlowNetwork, source: number, sink: number): number {
  return new Dinic(network).run(source, sink);
}

class Dinic {
  /** Edge `e` leads to `#to[e]`; `e ^ 1` is the reverse edge. The edges of a node are a list from `#first` by `#next`. */
  readonly #to: Int32Array;
  readonly #next: Int32Array;
  readonly #room: Float64Array;
  readonly #first: Int32Array;
  readonly #current: Int32Array;
  readonly #level: Int32Array;

  constructor({ nodes, edges }: FlowNetwork) {
    this.#to = new Int32Array(2 * edges.length);
    this.#next = new Int32Array(2 * edges.length);
    this.#room = new Float64Array(2 * edges.length);
    this.#first = new Int32Array(nodes).fill(-1);
    this.#current = new Int32Array(nodes);
    this.#level = new Int32Array(nodes);
    for (const [i, [from, to, capacity]] of edges.entries()) {
      this.#addHalf(2 * i, from, to, capacity);
      this.#addHalf(2 * i + 1, to, from, 0);
    }
  }

  run(source: number, sink: number): number {
    let flow = 0;
    while (this.#measure(source, sink)) {
      this.#current.set(this.#first);
      for (;;) {
        const pushed = this.#push(source, sink, Number.POSITIVE_INFINITY);
        if (pushed <= NEGLIGIBLE) break;
        flow += pushed;
      }
    }
    return flow;
  }

  #addHalf(edge: number, from: number, to: number, room: number): void {
    this.#to[edge] = to;
    this.#room[edge] = room;
    this.#next[edge] = this.#first[from];
    this.#first[from] = edge;
  }

  /** Sets the distance of each node from the source. @returns whether the sink can be reached. */
  #measure(source: number, sink: number): boolean {
    this.#level.fill(-1);
    this.#level[source] = 0;
    const queue = [source];
    for (const node of queue) {
      for (let edge = this.#first[node]; edge !== -1; edge = this.#next[edge]) {
        const to = this.#to[edge];
        if (this.#room[edge] <= NEGLIGIBLE || this.#level[to] !== -1) continue;
        this.#level[to] = this.#level[node] + 1;
        queue.push(to);
      }
    }
    return this.#level[sink] !== -1;
  }

  #push(node: number, sink: number, most: number): number {
    if (node === sink) return most;
    for (; this.#current[node] !== -1; this.#current[node] = this.#next[this.#current[node]]) {
      const edge = this.#current[node];
      const to = this.#to[edge];
      if (this.#room[edge] <= NEGLIGIBLE || this.#level[to] !== this.#level[node] + 1) continue;
      const pushed = this.#push(to, sink, Math.min(most, this.#room[edge]));
      if (pushed <= NEGLIGIBLE) continue;
      this.#room[edge] -= pushed;
      this.#room[edge ^ 1] += pushed;
      return pushed;
    }
    return 0;
  }
}
