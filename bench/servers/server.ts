/** A tracker under measurement, as a separate process on its own cores. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../test/support/bed.ts";
import { type ProcessorTime, processorTimeOf } from "../processor-time.ts";

/** The environment of a server. */
export interface Place {
  /** Numbers of the cores it may use. */
  readonly cores: readonly number[];
  /** An empty directory for its files. */
  readonly directory: string;
  /** Whether it runs only while no other process wants the core: as if it were on another machine. */
  readonly isElsewhere?: boolean;
}

/** Memory has settled when it has changed by at most so much for so long: BTRT returns some each 10 seconds. It is read at an interval, up to a limit. */
const SETTLED_BYTES = 300_000;
const SETTLED_MS = 12_000;
const SETTLE_STEP_MS = 500;
const SETTLE_LIMIT_MS = 60_000;

/** A running tracker. It ends with this process. */
export class Server {
  /** With its version, unless it is this project's. */
  name: string;
  /** Ports on 127.0.0.1, for HTTP and UDP; 0 if it does not speak that. */
  port = 0;
  udpPort = 0;
  /** Whether it closes every HTTP connection after a response, even if the client would keep it. */
  closesConnections = false;
  /** Whether it compresses even short responses for clients that offer that, as most do. */
  compresses = false;
  /** The maximum of peers that it stores in one swarm. */
  swarmLimit = Number.POSITIVE_INFINITY;
  /** Its output. */
  output = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #running = true;
  readonly #kill = () => this.#child.kill("SIGKILL");

  /** Starts a program. The caller sets `port`. @param stdout `dropped`: nothing reads it, as there is too much of it. */
  constructor(
    name: string,
    { cores, directory, isElsewhere }: Place,
    command: readonly string[],
    stdout: "kept" | "dropped" = "kept",
  ) {
    this.name = name;
    // taskset and chrt become the program: the process stays the same.
    const idle = isElsewhere === true ? ["chrt", "--idle", "0"] : [];
    this.#child = spawn("taskset", ["-c", cores.join(","), ...idle, ...command], {
      cwd: directory,
      stdio: ["ignore", stdout === "kept" ? "pipe" : "ignore", "pipe"],
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

  /** @throws Error with its output if it ends or takes too long. */
  async waitUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    await until(`${this.name} ${what}`, async () => {
      if (!this.#running) throw new Error(`${this.name} ended: ${this.output}`);
      return await condition();
    });
  }

  /** Whether a UDP socket of this machine is bound to a port. */
  isBound(port: number): boolean {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    return new RegExp(`^ *\\d+: \\w+:${hex} `, "m").test(readFileSync("/proc/net/udp", "latin1"));
  }

  /** The processor time that it has used. */
  processorTime(): ProcessorTime {
    return processorTimeOf(this.#child.pid ?? 0);
  }

  /** The part of it that its main thread has used. */
  mainThreadTime(): ProcessorTime {
    const pid = this.#child.pid ?? 0;
    return processorTimeOf(`${pid}/task/${pid}`);
  }

  /** The memory that it uses, in bytes: the resident set. */
  residentBytes(): number {
    const rollup = readFileSync(`/proc/${this.#child.pid}/smaps_rollup`, "latin1");
    return Number(/^Rss: *(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
  }

  /**
   * The same, once it no longer changes: V8 collects the garbage of the start, and of a load, some seconds later. Read
   * before that, the memory of an empty tracker may be more than that of a full one.
   */
  async settledBytes(): Promise<number> {
    const deadline = performance.now() + SETTLE_LIMIT_MS;
    let bytes = this.residentBytes();
    for (let since = performance.now(); ; ) {
      await sleep(SETTLE_STEP_MS);
      const now = performance.now();
      const next = this.residentBytes();
      if (Math.abs(next - bytes) > SETTLED_BYTES) {
        bytes = next;
        since = now;
      }
      if (now - since >= SETTLED_MS || now >= deadline) return next;
    }
  }

  /** Has it use these cores from now on. */
  useCores(cores: readonly number[]): void {
    const args = ["--all-tasks", "--cpu-list", "--pid", cores.join(","), String(this.#child.pid)];
    execFileSync("taskset", args, { stdio: "ignore" });
  }

  /** Ends it: forcibly after `graceMs`. */
  async stop(graceMs = 5000): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(this.#kill, graceMs);
    await this.#ended;
    clearTimeout(timer);
    process.off("exit", this.#kill);
  }
}
