/** The command `btrt nftables`. */
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { tableName } from "../hash-list/nftables-names.ts";
import { formatRuleset, hasSubscribers } from "../hash-list/nftables-ruleset.ts";
import { readTable } from "../hash-list/nftables-table.ts";
import { NftError, runNft } from "../platform/nft.ts";
import { print, printError } from "./output.ts";

/** The command's options. Without `apply` and `remove` the rules are written to standard output. */
export interface NftablesOptions {
  readonly bridge?: true;
  readonly countOnly?: true;
  readonly apply?: true;
  readonly remove?: true;
  readonly counters?: true;
}

/**
 * Writes, loads or removes the rules for a router.
 * @returns the exit code: 1 on failure.
 */
export async function nftables(configFile: string, options: NftablesOptions): Promise<number> {
  const bridge = options.bridge ?? false;
  if (options.remove) return removeTable(tableName(bridge));
  if (options.counters) return printCounters(tableName(bridge));
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

/** Prints the counters as `nft -j list counters` does, which takes minutes when the gate has long lists. */
async function printCounters(table: string): Promise<number> {
  try {
    const { counters } = await readTable(table);
    if (counters.size === 0) {
      printError(`btrt: nft: the table "${table}" has no counters; are the rules loaded?`);
      return 1;
    }
    const nftables = Array.from(counters, ([name, packets]) => ({ counter: { name, packets } }));
    return await print(`${JSON.stringify({ nftables })}\n`);
  } catch (error) {
    return explain(error);
  }
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
  try {
    await runNft(args, input);
    return 0;
  } catch (error) {
    return explain(error);
  }
}

/** @returns the exit code. @throws what nft has not said. */
function explain(error: unknown): number {
  if (!(error instanceof NftError)) throw error;
  printError(`btrt: ${error.message}`);
  return 1;
}

/** Quotes a word for a shell. */
function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
