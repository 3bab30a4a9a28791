/**
 * The environment of a run: a temporary directory, network namespaces and programs. All are removed when it is closed.
 */
import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, Program } from "./process.ts";

const PREFIX = "btrt-lab";
/** Payloads are written many times: use a file system in memory, if there is one. */
const MEMORY = "/dev/shm";
const BASE = isWritable(MEMORY) ? MEMORY : tmpdir();

let sites = 0;

/** One run's environment. It is removed when the lab's process ends in any way. */
export class Site {
  readonly directory: string;
  /** The prefix of the names of everything in this environment. */
  readonly #name = `${PREFIX}-${process.pid}-${++sites}`;
  readonly #programs: Program[] = [];
  readonly #namespaces: string[] = [];
  readonly #atExit = () => this.#clear();
  readonly #atSignal = (signal: NodeJS.Signals) => {
    this.#clear();
    process.kill(process.pid, signal);
  };

  constructor() {
    this.directory = mkdtempSync(join(BASE, `${this.#name}-`));
    // opentracker drops root before it reads its list.
    chmodSync(this.directory, 0o755);
    process.once("exit", this.#atExit).once("SIGINT", this.#atSignal).once("SIGTERM", this.#atSignal);
  }

  /** A file or directory of the run. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Makes a network namespace with its loopback up. @returns its full name. */
  async addNamespace(name: string): Promise<string> {
    const full = `${this.#name}-${name}`;
    await command(["ip", "netns", "add", full]);
    this.#namespaces.push(full);
    await command(["ip", "-n", full, "link", "set", "lo", "up"]);
    return full;
  }

  /** Starts a program in a namespace. */
  start(namespace: string, argv: readonly string[], onLine?: (line: string) => void): Program {
    const program = new Program(["ip", "netns", "exec", namespace, ...argv], this.directory, onLine);
    this.#programs.push(program);
    return program;
  }

  async close(): Promise<void> {
    for (const program of this.#programs) program.kill();
    await Promise.all(this.#programs.map((program) => program.ended));
    process.off("exit", this.#atExit).off("SIGINT", this.#atSignal).off("SIGTERM", this.#atSignal);
    this.#clear();
  }

  #clear(): void {
    for (const program of this.#programs) program.kill();
    for (const name of this.#namespaces.splice(0)) removeNamespace(name);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Removes the remains of labs that were killed. */
export async function removeStale(): Promise<void> {
  const stale = new RegExp(`^${PREFIX}-(\\d+)-\\S+`, "gm");
  for (const [name, pid] of (await command(["ip", "netns", "list"])).matchAll(stale)) {
    if (existsSync(`/proc/${pid}`)) continue;
    const left = await command(["ip", "netns", "pids", name]);
    for (const each of left.split("\n").filter((line) => line !== "")) process.kill(Number(each), "SIGKILL");
    removeNamespace(name);
  }
  for (const [name, pid] of readdirSync(BASE).join("\n").matchAll(stale)) {
    if (!existsSync(`/proc/${pid}`)) rmSync(join(BASE, name), { recursive: true, force: true });
  }
}

function removeNamespace(name: string): void {
  try {
    execFileSync("ip", ["netns", "del", name], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    console.error(`namespace ${name} is left behind: ${error}`);
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
