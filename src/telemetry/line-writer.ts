/** Writes log lines without ever making the tracker wait, and outlives whatever happens to the disk or the pipe. */
import sonicBoom, { type SonicBoom } from "sonic-boom";

/** Bytes held in memory while the descriptor takes none; lines beyond that are dropped and counted. */
const HELD_BYTES = 8 * 1024 * 1024;
/** How long after a failed write the next attempt is made, if no new line makes one before. */
const RETRY_MS = 1000;
/** How long closing waits for a descriptor that takes nothing. */
const CLOSE_MS = 2000;
/** The same problem is told once in this time. */
const REPEAT_MS = 60_000;

/** Tells the operator about a problem of the log itself, which the log cannot tell. One line, no line end. */
export type Complain = (problem: string) => void;

/** Complains through `write`, about the same problem at most once a minute. */
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

/** Lines on their way to one open descriptor. Takes the descriptor over, except standard output, which stays open. */
export class LineWriter {
  readonly #sonic: SonicBoom;
  readonly #ended: Promise<void>;
  #finishing = false;
  #lost = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #patientUntil = Number.POSITIVE_INFINITY;

  /** @param name what the descriptor is, for complaints. */
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

  /** Takes no more lines, and closes once all have been written, however long that takes. */
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

  /** Writes what is held, at the end of a process that has no time to {@link close}. Never throws. */
  flushSync(): void {
    this.#patientUntil = performance.now() + RETRY_MS;
    try {
      this.#sonic.flushSync();
    } catch {
      // Nobody is left to be told.
    }
  }

  #retry(): void {
    this.#retryTimer = undefined;
    try {
      this.#sonic.flush();
    } catch {
      // Closed meanwhile.
    }
  }
}
