/** The gate's part of the table in the kernel: what is there, and the changes for nft. */
import { tableName } from "../../hash-list/nftables-names.ts";
import { readTable } from "../../hash-list/nftables-table.ts";
import { runNft } from "../../platform/nft.ts";
import type { GateChange, GateHome } from "../protocol.ts";
import { GATE_COUNTERS, type GateCounts } from "../report.ts";
import { counterName, cutting, elementUpdate, GATE_PREFIX, opening, renewal } from "./nft-lists.ts";
import { formatGateRemoval, formatGateRules, type GateObjects } from "./ruleset.ts";

/** Where the rules apply, and whether they refuse. */
export interface GateTableOptions {
  /** For a bridge instead of a router. */
  readonly bridge: boolean;
  /** Count only: what would be refused is counted, and passes. */
  readonly countOnly: boolean;
}

/** A chain that only the rules of the hash list have. */
const HASH_LIST_CHAIN = "outgoing";

/** The table of the gate in the kernel of this machine. All its methods may throw {@link NftError}. */
export class GateTable {
  readonly #options: GateTableOptions;
  readonly #table: string;

  constructor(options: GateTableOptions) {
    this.#options = options;
    this.#table = tableName(options.bridge);
  }

  get countOnly(): boolean {
    return this.#options.countOnly;
  }

  /** Loads the rules, or replaces them. All lists are empty, and nothing is refused until {@link update} renews. */
  async load(homes: readonly GateHome[]): Promise<void> {
    await runNft(["-f", "-"], formatGateRules({ ...this.#options, homes }, await this.#inspect()));
  }

  /**
   * Changes the lists, in one transaction.
   * @param cut endpoints whose connections are cut.
   * @param aliveSeconds how long rules may refuse from now on; 0: as long as before.
   */
  async update(
    { add, remove, cut = [] }: Omit<GateChange, "event" | "version">,
    aliveSeconds: number,
  ): Promise<void> {
    const renewed = aliveSeconds > 0 ? renewal(this.#table, aliveSeconds) : "";
    const statements = elementUpdate(this.#table, add, remove) + cutting(this.#table, cut) + renewed;
    if (statements !== "") await runNft(["-f", "-"], statements);
  }

  /** Refuses nothing until {@link update} renews. */
  async open(): Promise<void> {
    await runNft(["-f", "-"], opening(this.#table));
  }

  /** Removes the rules; those of the hash list stay. */
  async remove(): Promise<void> {
    const present = await this.#inspect();
    await runNft(["-f", "-"], formatGateRemoval(this.#options.bridge, present, present.hasHashList));
  }

  /** Reads the counters. Undefined: the rules are not loaded. */
  async readCounts(): Promise<GateCounts | undefined> {
    const { counters } = await readTable(this.#table);
    const counts = GATE_COUNTERS.map((counter) => [counter, counters.get(counterName(counter))] as const);
    if (counts.some(([, count]) => count === undefined)) return undefined;
    return Object.fromEntries(counts) as GateCounts;
  }

  async #inspect(): Promise<GateObjects & { readonly hasHashList: boolean }> {
    const { chains, sets, counters } = await readTable(this.#table);
    const isOfGate = (name: string) => name.startsWith(GATE_PREFIX);
    return {
      chains: chains.filter(isOfGate),
      sets: sets.filter(isOfGate),
      counters: [...counters.keys()].filter(isOfGate),
      hasHashList: chains.includes(HASH_LIST_CHAIN),
    };
  }
}
