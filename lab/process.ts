/** Programs that the lab starts, and their output. */
import { type ChildProcess, execFile, spawn } from "node:child_process";

/** The part of a program's output that is kept to explain a failure. */
const KEPT_LINES = 40;

/** A program that runs in the background, its standard output read line by line. */
export class Program {
  readonly ended: Promise<void>;
  /** Whether it has ended. */
  over = false;
  readonly #child: ChildProcess;
  readonly #last: string[] = [];

  /** @param onLine is called for every line of standard output. */
  constructor(command: readonly string[], directory: string, onLine: (line: string) => void = () => {}) {
    this.#child = spawn(command[0], command.slice(1), { cwd: directory, stdio: ["pipe", "pipe", "pipe"] });
    // An ended program accepts no input. Its end is detected elsewhere.
    this.#child.stdin?.on("error", () => {});
    this.#read(this.#child.stdout, onLine);
    this.#read(this.#child.stderr, () => {});
    this.ended = new Promise((resolve) => {
      this.#child.on("error", (error) => this.#last.push(String(error)));
      this.#child.on("close", () => {
        this.over = true;
        resolve();
      });
    });
  }

  /** Undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last lines of its output. */
  get lastLines(): string {
    return this.#last.join("\n");
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Kills it; does nothing if it has ended. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #read(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
    let rest = "";
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#last.push(line);
        if (this.#last.length > KEPT_LINES) this.#last.shift();
        onLine(line);
      }
    });
  }
}

/**
 * Runs a command to its end.
 * @param input for its standard input.
 * @returns its standard output.
 * @throws Error with its output if it fails.
 */
export async function command(argv: readonly string[], input = ""): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = execFile(argv[0], argv.slice(1), (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${argv.join(" ")}: ${stderr.trim() || error.message}`));
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Waits until a condition holds. @throws Error with `what` if it does not hold in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
