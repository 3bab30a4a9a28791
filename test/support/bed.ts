/** The environment of an end-to-end test: a temporary directory and processes. All are removed after the test. */
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const IP = "ip";
const PATIENCE_MS = 60_000;

/** Waits until a condition holds. @throws Error with `what` if it does not hold in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A process that a test has started. */
export class Process {
  readonly #child: ChildProcess;
  stdout = "";
  stderr = "";
  /** The exit code, or the signal that ended it, when it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** The same; undefined while it runs. */
  end: number | NodeJS.Signals | undefined;

  /** @param descriptors that it inherits, from 3 on. */
  constructor(command: readonly string[], directory: string, descriptors: readonly number[] = []) {
    const [program, ...args] = command;
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", ...descriptors];
    this.#child = spawn(program, args, { cwd: directory, stdio });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.#child.on("error", (error) => {
        this.stderr += String(error);
        this.end = 127;
        resolve(127);
      });
      this.#child.on("close", (code, signal) => {
        this.end = code ?? signal ?? 0;
        resolve(this.end);
      });
    });
  }

  /** Its process id; 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends a signal. Does nothing if the process has ended. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Asks it to end, and waits. */
  async stop(name: NodeJS.Signals = "SIGTERM"): Promise<number | NodeJS.Signals> {
    this.signal(name);
    return await this.ended;
  }
}

/** A test, or a program that calls the function at its end. */
export interface BedOwner {
  after(clear: () => Promise<void>): void;
}

/** Owns everything that a test makes outside itself. */
export class Bed {
  readonly directory: string;
  readonly #processes: Process[] = [];
  readonly #namespaces: string[] = [];
  readonly #mounts: string[] = [];
  readonly #resolvers: string[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Opens a bed that is removed after the test, or when its process ends earlier. */
  static async open(t: BedOwner): Promise<Bed> {
    const bed = new Bed(await mkdtemp(join(tmpdir(), "btrt-e2e-")));
    const clear = () => bed.#clear();
    const clearAndEnd = (signal: NodeJS.Signals) => {
      clear();
      process.kill(process.pid, signal);
    };
    process.once("exit", clear).once("SIGINT", clearAndEnd).once("SIGTERM", clearAndEnd);
    t.after(async () => {
      for (const each of bed.#processes) each.signal("SIGKILL");
      await Promise.all(bed.#processes.map((each) => each.ended));
      clear();
      process.off("exit", clear).off("SIGINT", clearAndEnd).off("SIGTERM", clearAndEnd);
    });
    return bed;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /**
   * Starts a process in the bed's directory.
   * @param namespace the network namespace to run it in; by default the machine's.
   * @param descriptors that it inherits, from 3 on.
   */
  run(command: readonly string[], namespace?: string, descriptors?: readonly number[]): Process {
    const prefix = namespace === undefined ? [] : [IP, "netns", "exec", namespace];
    const started = new Process([...prefix, ...command], this.directory, descriptors);
    this.#processes.push(started);
    return started;
  }

  /** Makes a network namespace with its loopback up. @returns its full name, which no killed run has left behind. */
  addNamespace(name: string): string {
    const full = `${basename(this.directory)}-${name}`;
    ip(`netns add ${full}`);
    this.#namespaces.push(full);
    ip(`-n ${full} link set lo up`);
    return full;
  }

  /** Makes programs of a namespace resolve names by a server in it. */
  setResolver(namespace: string, server: string): void {
    const directory = `/etc/netns/${namespace}`;
    mkdirSync(directory, { recursive: true });
    this.#resolvers.push(directory);
    writeFileSync(join(directory, "resolv.conf"), `nameserver ${server}\noptions timeout:1\n`);
  }

  /** Mounts a small file system in memory, as root. @returns its directory. */
  mount(name: string, options: string): string {
    const directory = this.path(name);
    mkdirSync(directory);
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]);
    this.#mounts.push(directory);
    return directory;
  }

  #clear(): void {
    for (const each of this.#processes) each.signal("SIGKILL");
    for (const directory of this.#resolvers.splice(0)) rmSync(directory, { recursive: true });
    for (const directory of this.#mounts.splice(0)) execFileSync("umount", ["--lazy", directory]);
    for (const name of this.#namespaces.splice(0)) {
      try {
        ip(`netns del ${name}`);
      } catch (error) {
        console.error(`namespace ${name} is left behind: ${error}`);
      }
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs `ip`. @param words its arguments, also separated by spaces. @throws Error with its output. */
export function ip(...words: string[]): string {
  const args = words.join(" ").split(" ");
  return execFileSync(IP, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
