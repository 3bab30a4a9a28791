/** A Debian machine with its own processes, files and systemd. The network is that of the test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { until } from "../support/bed.ts";
import { DEBIAN } from "./built.ts";

/** System calls that nspawn refuses otherwise, as most containers do. */
const SYSTEM_CALLS = "io_uring_setup io_uring_enter io_uring_register";

/** It boots in seconds on a machine that does nothing else. */
const BOOT_PATIENCE_MS = 300_000;

/** The result of a command. */
export interface Result {
  readonly code: number | null;
  readonly out: string;
}

/** Booted once for all tests of a file. */
export class Machine {
  readonly #container: ChildProcess;
  readonly #leader: string;
  readonly #cutPower = () => process.kill(Number(this.#leader), "SIGKILL");

  /** Boots it. @throws Error with its console output if it does not boot. */
  static async boot(): Promise<Machine> {
    const options = ["--quiet", "--register=no", "--keep-unit", `--system-call-filter=${SYSTEM_CALLS}`];
    const container = spawn("systemd-nspawn", ["-D", DEBIAN, ...options, "--boot"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let console = "";
    container.stdout.setEncoding("utf8").on("data", (text: string) => {
      console += text;
    });
    container.stderr.setEncoding("utf8").on("data", (text: string) => {
      console += text;
    });
    const leader = () =>
      readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, "utf8").trim().split(" ")[0];
    try {
      await until(
        "the machine is up",
        () => {
          if (container.exitCode !== null) throw new Error("it ended");
          return leader() !== "" && isUp(leader());
        },
        BOOT_PATIENCE_MS,
      );
    } catch (error) {
      container.kill("SIGKILL");
      throw new Error(`${error}\n${console}`);
    }
    return new Machine(container, leader());
  }

  private constructor(container: ChildProcess, leader: string) {
    this.#container = container;
    this.#leader = leader;
    process.once("exit", this.#cutPower);
  }

  /** The path of the machine's file on the host. */
  path(name: string): string {
    return join(DEBIAN, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  /** Copies a file to it. @returns the path there. */
  receive(file: string): string {
    const name = join("/root", basename(file));
    copyFileSync(file, this.path(name));
    return name;
  }

  /** Runs a command as root. */
  try(...command: string[]): Result {
    const { status, stdout, stderr } = spawnSync(
      "nsenter",
      ["--target", this.#leader, "--all", "--", ...command],
      {
        encoding: "utf8",
      },
    );
    return { code: status, out: `${stdout}${stderr}` };
  }

  /** The same. @returns its output. @throws Error unless the exit code is 0. */
  run(...command: string[]): string {
    const { code, out } = this.try(...command);
    if (code === 0) return out;
    const state = this.try("journalctl", "--no-pager", "--lines=30").out;
    throw new Error(`${command.join(" ")}: ${code}\n${out}\n${state}`);
  }

  /** Powers it off. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#container.once("close", resolve));
    process.off("exit", this.#cutPower);
    this.#cutPower();
    await ended;
  }
}

function isUp(leader: string): boolean {
  const { stdout } = spawnSync(
    "nsenter",
    ["--target", leader, "--all", "--", "systemctl", "is-system-running"],
    {
      encoding: "utf8",
    },
  );
  return /^(running|degraded)/.test(stdout);
}
