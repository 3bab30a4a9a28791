/** Runs nft(8), which changes the packet filter. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** nft failed; the message says why, for people. */
export class NftError extends Error {}

/** Directories of nft, which may be missing in PATH. */
const ADMIN_DIRECTORIES = "/usr/sbin:/sbin";

/** The time after which nft is killed. Nothing here takes so long: large lists are loaded in parts. */
const TIMEOUT_MS = 120_000;

/**
 * Runs nft once.
 * @param input what it reads from standard input.
 * @returns what it writes to standard output.
 * @throws NftError
 */
export async function runNft(args: readonly string[], input = ""): Promise<string> {
  const env = { ...process.env, PATH: `${process.env.PATH}:${ADMIN_DIRECTORIES}` };
  // Not the option "timeout": its timer keeps the process alive when there is no nft.
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const child = spawn("nft", args, { env, stdio: "pipe", signal, killSignal: "SIGKILL" });
  const ended = new Promise<string | number | null>((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  // If nft ends before it has read everything, its message says why.
  child.stdin.on("error", () => {}).end(input);
  const [written, said, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (end === 0) return written;
  throw new NftError(explain(said, end));
}

function explain(said: string, end: string | number | null): string {
  if (end === "ABORT_ERR") return `nft: has not ended within ${TIMEOUT_MS / 1000} s`;
  if (end === "ENOENT") return "nft: no such program; install nftables";
  const message = said.trim() || `ended with ${end}`;
  if (/not permitted/i.test(message)) return `nft: ${message}\nthis needs root, or CAP_NET_ADMIN`;
  if (/\breject with\b/.test(message))
    return `nft: ${message}\nthe kernel module nft_reject_inet, or nft_reject_bridge for a bridge, is missing`;
  return `nft: ${message}`;
}
