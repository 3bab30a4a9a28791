/** The command `btrt nftables`. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { formatRuleset, hasSubscribers, tableName } from "../hash-list/nftables-ruleset.ts";
import { print, printError } from "./output.ts";

/** The command's options. Without `apply` and `remove` the rules are written to standard output. */
export interface NftablesOptions {
  readonly bridge?: true;
  readonly countOnly?: true;
  readonly apply?: true;
  readonly remove?: true;
}

/** Directories of nft, which may be missing in PATH. */
const ADMIN_DIRECTORIES = "/usr/sbin:/sbin";

/**
 * Writes, loads or removes the rules for a router.
 * @returns the exit code: 1 on failure.
 */
export async function nftables(configFile: string, options: NftablesOptions): Promise<number> {
  const bridge = options.bridge ?? false;
  if (options.remove) return removeTable(tableName(bridge));
  const loaded = await loadConfig({ configFile });
  if (loaded.config === null) {
    printError(`btrt: ${loaded.problems.map(formatProblem).join("\n")}`);
    return 1;
  }
  const { tiers, interval, max_entries } = loaded.config.hashlist;
  const { groups } = loaded;
  if (!hasSubscribers({ groups, tiers })) {
    printError(`btrt: ${configFile}: peer_groups: has no prefixes, so there are no subscribers`);
    return 1;
  }
  const countOnly = options.countOnly ?? false;
  const ruleset = formatRuleset({
    groups,
    tiers,
    intervalSeconds: interval,
    maxEntries: max_entries,
    bridge,
    countOnly,
  });
  if (!options.apply) return print(ruleset);
  const flags = `${bridge ? " --bridge" : ""}${countOnly ? " --count-only" : ""}`;
  return run(`btrt nftables --config ${quote(configFile)}${flags} | nft -f -`, ["-f", "-"], ruleset);
}

/** Removes the table, and nothing else. It is added first, so that a missing one is not an error. */
function removeTable(table: string): Promise<number> {
  const statements = `add table ${table}; delete table ${table}`;
  return run(`nft '${statements}'`, [statements]);
}

/** Prints the equivalent shell command, and runs nft. */
async function run(shown: string, args: readonly string[], input = ""): Promise<number> {
  const exitCode = await print(`${shown}\n`);
  if (exitCode !== 0) return exitCode;
  const env = { ...process.env, PATH: `${process.env.PATH}:${ADMIN_DIRECTORIES}` };
  const child = spawn("nft", args, { env, stdio: ["pipe", "ignore", "pipe"] });
  const ended = new Promise<string | number | null>((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.on("close", resolve);
  });
  // If nft ends before it has read everything, its message says why.
  child.stdin.on("error", () => {}).end(input);
  const [said, end] = await Promise.all([text(child.stderr), ended]);
  if (end === 0) return 0;
  printError(`btrt: ${explain(said, end)}`);
  return 1;
}

/** Quotes a word for a shell. */
function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function explain(said: string, end: string | number | null): string {
  if (end === "ENOENT") return "nft: no such program; install nftables";
  const message = said.trim() || `ended with ${end}`;
  if (/not permitted/i.test(message)) return `nft: ${message}\nthis needs root, or CAP_NET_ADMIN`;
  if (/\breject with\b/.test(message))
    return `nft: ${message}\nthe kernel module nft_reject_inet, or nft_reject_bridge for a bridge, is missing`;
  return `nft: ${message}`;
}
