/** Announces at a steady rate while trackers start and stop. */
import { fileURLToPath } from "node:url";
import { type Bed, type Process, until } from "./bed.ts";
import type { LoadReport } from "./steady-load.ts";

const PROGRAM = fileURLToPath(new URL("./steady-load.ts", import.meta.url));
/** A slow machine that runs other tests besides has time for it. While no tracker runs, so many wait in the kernel. */
const PER_SECOND = 500;

/** A process that announces to two ports of 127.0.0.1, alternately. */
export class Load {
  readonly #process: Process;

  /** Starts it, and waits for the first answer. */
  static async start(bed: Bed, http: number, udp: number): Promise<Load> {
    const load = new Load(bed.run([process.execPath, PROGRAM, ...[http, udp, PER_SECOND].map(String)]));
    await load.answers(1);
    return load;
  }

  private constructor(running: Process) {
    this.#process = running;
  }

  /** Waits until `more` further announces are answered. */
  async answers(more: number): Promise<void> {
    const wanted = this.#answered + more;
    await until(`${more} more announces are answered`, () => {
      if (this.#process.end !== undefined) throw new Error(`the load ended: ${this.#process.stderr}`);
      return this.#answered >= wanted;
    });
  }

  /** Starts no further announces, and waits for those in progress. */
  async stop(): Promise<LoadReport> {
    await this.#process.stop();
    return JSON.parse(this.#lines.at(-1) ?? this.#process.stderr);
  }

  get #lines(): string[] {
    return this.#process.stdout.split("\n").slice(0, -1);
  }

  get #answered(): number {
    return Number(this.#lines.at(-1) ?? 0);
  }
}
