/** One connection of the load generator. */
import { connect, type Socket } from "node:net";
import type { Job } from "./job.ts";
import type { Supply } from "./requests.ts";
import type { ResponseReader } from "./response.ts";

/** All connections read into the same buffer, one after the other. */
const received = Buffer.allocUnsafeSlow(256 * 1024);

const NOTHING = Buffer.alloc(0);

/** What the connections of a job share. */
export interface Loop {
  readonly job: Job;
  readonly supply: Supply;
  readonly reader: ResponseReader;
  /** Is told how long requests were under way, in milliseconds. */
  readonly onAnswered: (latencyMs: number) => void;
  /** Whether no more requests are to be sent. */
  readonly isOver: () => boolean;
}

/** Sends requests and waits for their responses, until the loop is over. */
export class ClientConnection {
  /** Settles when the loop is over, or with what went wrong. */
  readonly done: Promise<void>;
  readonly #loop: Loop;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #socket: Socket | undefined;
  /** The start of a response that was not all there. */
  #kept: Buffer = NOTHING;
  #sentAt = 0;
  /** Requests that have not been answered. */
  #waiting = 0;

  constructor(loop: Loop) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#loop = loop;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#next();
  }

  /** Sends what comes next, or ends. */
  #next(): void {
    const requests = this.#takeRequests();
    if (requests === "") {
      this.#resolve();
      this.#socket?.destroy();
      return;
    }
    this.#sentAt = performance.now();
    this.#socket ??= this.#open();
    this.#socket.write(requests, "latin1");
  }

  #takeRequests(): string {
    const { job, supply, isOver } = this.#loop;
    let requests = "";
    if (isOver()) return requests;
    const count = job.pipelined === "close" ? 1 : job.pipelined;
    while (this.#waiting < count) {
      const request = supply();
      if (request === undefined) break;
      requests += request;
      this.#waiting++;
    }
    return requests;
  }

  #open(): Socket {
    const socket = connect({
      host: "127.0.0.1",
      port: this.#loop.job.port,
      noDelay: true,
      onread: { buffer: received, callback: (length) => this.#received(length) },
    });
    socket.on("error", this.#reject);
    socket.on("close", () => this.#closed());
    return socket;
  }

  #received(length: number): boolean {
    try {
      this.#read(length);
    } catch (error) {
      this.#reject(error);
      this.#socket?.destroy();
    }
    return true;
  }

  #read(length: number): void {
    const { reader, job, onAnswered } = this.#loop;
    const isWhole = this.#kept.length === 0;
    const bytes = isWhole ? received : Buffer.concat([this.#kept, received.subarray(0, length)]);
    const end = isWhole ? length : bytes.length;
    let start = 0;
    for (let at = reader.read(bytes, 0, end); at > 0; at = reader.read(bytes, start, end)) {
      start = at;
      this.#waiting--;
      onAnswered(performance.now() - this.#sentAt);
      if (start === end) break;
    }
    this.#kept = start === end ? NOTHING : Buffer.from(bytes.subarray(start, end));
    // A connection that is to be closed is the server's to close.
    if (this.#waiting === 0 && job.pipelined !== "close") this.#next();
  }

  #closed(): void {
    if (this.#waiting > 0) this.#reject(new Error("the server closed the connection without a response"));
    this.#socket = undefined;
    if (this.#loop.job.pipelined === "close") this.#next();
  }
}
