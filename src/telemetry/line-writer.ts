/** Writes log lines without blocking the tracker, and tolerates a full disk or broken pipe. */
import sonicBoom, { type SonicBoom } from "sonic-boom";

/** Limit of lines buffered in memory, in bytes; further ones are dropped and counted. */
const HELD_BYTES = 8 * 1024 * 1024;
/** Delay of the next attempt after a failed write, in milliseconds, unless a new line causes one earlier. */
const RETRY_MS = 1000;
/** Limit of closing, in milliseconds. */
const CLOSE_MS = 2000;
/** Minimum time between two reports of the same problem, in milliseconds. */
const REPEAT_MS = 60_000;

/** Reports a problem of the log itself, which cannot be logged. One line, without line end. */
export type Complain = (problem: string) => void;

/** Reports problems through `write`, each at most once a minute. */
export function limitComplaints(write: (line: string) => void): Complain {
  const toldAt = new Map<string, number>();
  return (problem) => {
    const at = performance.now();
    for (const [told, when] of toldAt) if (at - when >= REPEAT_MS) toldAt.delete(told);
    if (toldAt.has(problem)) return;
    toldAt.set(problem, at);
    write(`btrt: ${problem}\n`);
  };
}

/** Writes lines to an open descriptor, and owns it. Standard output is not closed. */
export class LineWriter {
  readonly #sonic: SonicBoom;
  readonly #ended: Promise<void>;
  #finishing = false;
  #lost = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #patientUntil = Number.POSITIVE_INFINITY;

  /** @param name of the file, for reports. */
  constructor(fd: number, name: string, complain: Complain) {
    const retryEAGAIN = () => performance.now() < this.#patientUntil;
    this.#sonic = new sonicBoom.SonicBoom({ fd, maxLength: HELD_BYTES, retryEAGAIN });
    this.#ended = new Promise((resolve) => this.#sonic.once("close", resolve));
    this.#sonic.on("error", (error: Error) => {
      complain(`cannot write to ${name}: ${error.message}; lines are held back meanwhile`);
      this.#retryTimer ??= setTimeout(() => this.#retry(), RETRY_MS).unref();
    });
    this.#sonic.on("drop", () => this.#lost++);
    this.#sonic.on("drain", () => {
      if (this.#lost > 0) complain(`writing to ${name} works again; ${this.#lost} lines were lost`);
      this.#lost = 0;
    });
  }

  /** @param line with its line end. Dropped after {@link finish} or {@link close}. */
  write(line: string): void {
    if (!this.#finishing) this.#sonic.write(line);
  }

  /** Accepts no more lines, and closes when all are written, without a time limit. */
  finish(): Promise<void> {
    if (!this.#finishing) this.#sonic.end();
    this.#finishing = true;
    return this.#ended;
  }

  /** Like {@link finish}, but gives up at the first error, and after two seconds. */
  async close(): Promise<void> {
    const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp, CLOSE_MS);
    this.#sonic.once("error", () => giveUp());
    await Promise.race([this.finish(), givenUp]);
    clearTimeout(timer);
    this.#sonic.destroy();
  }

  /** Writes buffered lines when the process ends without time to {@link close}. Never throws. */
  flushSync(): void {
    this.#patientUntil = performance.now() + RETRY_MS;
    try {
      this.#sonic.flushSync();
    } catch {
      // The error cannot be reported any more.
    }
  }

  #retry(): void {
    this.#retryTimer = undefined;
    try {
      this.#sonic.flush();
    } catch {
      // It was closed meanwhile.
    }
  }
}
