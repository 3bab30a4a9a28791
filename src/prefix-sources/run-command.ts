/** Runs an operator's command. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describeFailure } from "../platform/failure.ts";
import { excerpt, SourceError } from "./source-error.ts";

/** Limit of what is kept of standard error, in bytes. */
const SAID_LIMIT = 1024;

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a program without a shell, and yields its standard output. Its environment is empty but for PATH and LANG, as the
 * tracker's may have a password. The program and those that it starts are killed when the signal is given or the caller
 * stops reading.
 * @throws SourceError if it cannot be started, or its exit code is not 0.
 */
export async function* runCommand(
  command: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const [program, ...args] = command;
  // A process group of its own can be killed as a whole.
  const child = spawn(program, args, {
    cwd: "/",
    env: { PATH, LANG: "C" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kill = () => killGroup(child.pid);
  signal.addEventListener("abort", kill);
  let said = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    said = (said + text).slice(0, SAID_LIMIT);
  });
  const closed = once(child, "close");
  closed.catch(() => {});
  try {
    signal.throwIfAborted();
    yield* child.stdout;
    const [code, killedBy] = await closed;
    signal.throwIfAborted();
    if (code === 0) return;
    const how = killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`;
    throw new SourceError(`${program}: ${how}${said === "" ? "" : `: ${excerpt(said.split("\n", 1)[0])}`}`);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SourceError) throw error;
    throw new SourceError(`${program} cannot be run: ${describeFailure(error).message}`);
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {} // It has ended.
}
