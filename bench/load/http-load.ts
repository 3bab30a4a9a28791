/** Sends announces over HTTP. */
import { MESSAGE } from "../../src/engine/uring/layouts.ts";
import { close, errno, systemError } from "../../src/engine/uring/libc.ts";
import { Memory } from "../../src/engine/uring/memory.ts";
import type { Supply } from "./announces.ts";
import { ResponseReader } from "./http-responses.ts";
import type { Job } from "./job.ts";
import { recv, send } from "./libc.ts";
import type { Meter } from "./meter.ts";
import { SOURCES } from "./population.ts";
import { Sources } from "./sources.ts";

/** Concurrent connections. */
export const CONNECTIONS = 64;

/** Bytes that are sent, and received, at once on a connection. */
const SENT_BYTES = 64 * 1024;
const RECEIVED_BYTES = 192 * 1024;

/** errno(3) of a socket without data. */
const EAGAIN = 11;

/** Performs a job. Returns when it is over. @throws Error */
export function loadHttp(job: Job, supplies: readonly Supply[], meter: Meter): void {
  const sources = new Sources(job.port);
  const reader = new ResponseReader();
  const connections = Array.from({ length: CONNECTIONS }, (_, number) => {
    const source = number % SOURCES;
    return new Connection(job, { source, supply: supplies[source], sources, reader, meter });
  });
  try {
    if (job.perSecond !== undefined) loadAtRate(job.perSecond, connections, meter);
    else loadInLoop(connections, meter);
  } finally {
    for (const connection of connections) connection.end();
    sources.close();
  }
}

/** Every connection sends its next requests as soon as it can. */
function loadInLoop(connections: readonly Connection[], meter: Meter): void {
  for (const connection of connections) connection.next();
  while (connections.some(({ isDone }) => !isDone)) {
    meter.tick();
    for (const connection of connections) connection.receive();
  }
}

/** Connections are opened at equal intervals, as long as there are idle ones. */
function loadAtRate(perSecond: number, connections: readonly Connection[], meter: Meter): void {
  const intervalMs = 1000 / perSecond;
  const idle = [...connections];
  const open: Connection[] = [];
  let due = meter.now;
  while (!meter.isOver || open.length > 0) {
    meter.tick();
    const next = meter.isOver || meter.now < due ? undefined : idle.pop();
    if (next !== undefined) {
      // An interval that was missed is not made up for: that would be a burst.
      due = Math.max(due + intervalMs, meter.now);
      next.next();
      open.push(next);
    }
    for (let i = open.length - 1; i >= 0; i--) {
      open[i].receive();
      if (!open[i].isIdle) continue;
      idle.push(open[i]);
      open.splice(i, 1);
    }
  }
}

/** The parts that all connections share. */
interface Surroundings {
  readonly source: number;
  readonly supply: Supply;
  readonly sources: Sources;
  readonly reader: ResponseReader;
  readonly meter: Meter;
}

/** One connection at a time, and its pending requests. */
class Connection {
  isDone = false;
  readonly #closes: boolean;
  /** Whether the next request follows when the connection was closed; else {@link next} is called. */
  readonly #continues: boolean;
  readonly #depth: number;
  readonly #with: Surroundings;
  readonly #memory = Memory.allocate(SENT_BYTES + RECEIVED_BYTES);
  readonly #sent = Buffer.from(this.#memory.bytes.buffer, 0, SENT_BYTES);
  readonly #received = Buffer.from(this.#memory.bytes.buffer, SENT_BYTES, RECEIVED_BYTES);
  readonly #sentPointer = this.#memory.pointerTo(0);
  readonly #receivedPointer = this.#memory.pointerTo(SENT_BYTES);
  #fd = -1;
  #sentAt = 0;
  /** Requests without a response. */
  #waiting = 0;
  /** Received bytes that are not a complete response yet. */
  #filled = 0;

  constructor({ manner, perSecond }: Job, surroundings: Surroundings) {
    this.#closes = manner === "close";
    this.#continues = perSecond === undefined;
    this.#depth = typeof manner === "number" ? manner : 1;
    this.#with = surroundings;
  }

  /** Whether it has no connection and no request. */
  get isIdle(): boolean {
    return this.#fd < 0;
  }

  /** Sends the next requests, if there are any. */
  next(): void {
    const { sources, source, supply, meter } = this.#with;
    const length = meter.isOver ? 0 : supply(this.#sent, 0, this.#depth);
    if (length === 0) {
      this.isDone = true;
      this.end();
      return;
    }
    this.#waiting = this.#depth;
    this.#sentAt = meter.now;
    if (this.#fd < 0) this.#fd = sources.openStream(source);
    const taken = send(this.#fd, this.#sentPointer, length, MESSAGE.noSignal);
    if (taken !== length) throw systemError(`send, which took ${taken} of ${length} bytes`);
  }

  /** Handles received data, if there is any. */
  receive(): void {
    const { meter } = this.#with;
    const fd = this.#fd;
    while (fd >= 0) {
      const at =
        this.#filled === 0 ? this.#receivedPointer : this.#memory.pointerTo(SENT_BYTES + this.#filled);
      const length = recv(fd, at, RECEIVED_BYTES - this.#filled, MESSAGE.dontWait);
      if (length < 0 && errno() !== EAGAIN) throw systemError("recv");
      if (length < 0) return;
      if (length === 0) {
        this.#closed();
        return;
      }
      meter.responseBytes += length;
      this.#read(length);
      // The server has closed the connection, or will.
      if (!this.#closes || this.#waiting > 0) return;
    }
  }

  /** Closes the connection. */
  end(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
  }

  #read(length: number): void {
    const { reader, meter } = this.#with;
    const end = this.#filled + length;
    let start = 0;
    let count = 0;
    for (; start < end; count++) {
      const at = reader.read(this.#received, start, end);
      if (at < 0) break;
      start = at;
    }
    // The start of an incomplete response.
    if (start > 0) this.#received.copyWithin(0, start, end);
    this.#filled = end - start;
    if (this.#filled === RECEIVED_BYTES) throw new Error(`not an answer: ${this.#text()}`);
    if (count > 0) meter.answered(count, this.#sentAt);
    this.#waiting -= count;
    // The server closes a connection that is to be closed.
    if (this.#waiting === 0 && !this.#closes) this.next();
  }

  #closed(): void {
    if (this.#waiting > 0) throw new Error(`the connection was closed without an answer: ${this.#text()}`);
    this.end();
    if (this.#continues) this.next();
  }

  #text(): string {
    return this.#received.toString("latin1", 0, Math.min(this.#filled, 300));
  }
}
