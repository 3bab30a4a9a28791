/** A tracker under measurement, as a process of its own on cores of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { until } from "../../test/support/bed.ts";
import { type ProcessorTime, processorTimeOf } from "../processor-time.ts";

/** Where servers run. */
export interface Place {
  /** Numbers of the cores they may use. */
  readonly cores: readonly number[];
  /** An empty directory for files of theirs. */
  readonly directory: string;
}

/** A running tracker. It ends with this process. */
export class Server {
  /** With its version, where that is not this project's. */
  name: string;
  /** Of 127.0.0.1, for HTTP and for UDP. */
  port = 0;
  udpPort = 0;
  /** Peers that it remembers in one swarm at most. */
  swarmLimit = Number.POSITIVE_INFINITY;
  /** What it has written. */
  output = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #running = true;
  readonly #kill = () => this.#child.kill("SIGKILL");

  /** Starts a program; `port` is the caller's to set. */
  constructor(name: string, { cores, directory }: Place, command: readonly string[]) {
    this.name = name;
    // taskset becomes the program: the process is the same.
    this.#child = spawn("taskset", ["-c", cores.join(","), ...command], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#ended = once(this.#child, "exit").finally(() => {
      this.#running = false;
    });
    process.once("exit", this.#kill);
  }

  /** @throws Error with what it wrote, when it ends or takes too long. */
  async waitUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    await until(`${this.name} ${what}`, async () => {
      if (!this.#running) throw new Error(`${this.name} ended: ${this.output}`);
      return await condition();
    });
  }

  /** Processor time that it has had. */
  processorTime(): ProcessorTime {
    return processorTimeOf(this.#child.pid ?? 0);
  }

  /** The part of it that its main thread has had. */
  mainThreadTime(): ProcessorTime {
    const pid = this.#child.pid ?? 0;
    return processorTimeOf(`${pid}/task/${pid}`);
  }

  /** Bytes of memory that it has in use: the resident set. */
  residentBytes(): number {
    const rollup = readFileSync(`/proc/${this.#child.pid}/smaps_rollup`, "latin1");
    return Number(/^Rss: *(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
  }

  /** Ends it; after `graceMs` whatever it is doing. */
  async stop(graceMs = 5000): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(this.#kill, graceMs);
    await this.#ended;
    clearTimeout(timer);
    process.off("exit", this.#kill);
  }
}
