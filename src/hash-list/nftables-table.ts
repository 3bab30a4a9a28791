/** Reads what a table of the kernel has: the names of its chains and sets, and its counters. */
import { z } from "zod";
import { runNft } from "../platform/nft.ts";

/** The names of what a table has. */
export interface TableContents {
  readonly chains: readonly string[];
  /** Sets and maps. */
  readonly sets: readonly string[];
  /** Packets by the name of a counter. */
  readonly counters: ReadonlyMap<string, number>;
}

/** The needed part of what nft writes (libnftables-json(5)). */
const named = z.object({ family: z.string(), table: z.string(), name: z.string() });
const rulesetSchema = z.object({
  nftables: z.array(
    z.object({
      chain: named.optional(),
      set: named.optional(),
      map: named.optional(),
      counter: named.extend({ packets: z.int().min(0) }).optional(),
    }),
  ),
});

/**
 * Reads a table. A table that does not exist has nothing.
 *
 * A terse list of all rules is the only list for which nftables 1.0 does not read every element of every set. For a
 * million elements that takes minutes, even if only counters are wanted.
 * @param table its family and name.
 * @throws NftError
 */
export async function readTable(table: string): Promise<TableContents> {
  const text = await runNft(["--json", "--terse", "list", "ruleset"]);
  const { nftables } = rulesetSchema.parse(JSON.parse(text));
  const own = <Item extends z.output<typeof named>>(items: readonly (Item | undefined)[]) =>
    items.filter((item) => item !== undefined).filter((item) => `${item.family} ${item.table}` === table);
  const namesOf = (items: Parameters<typeof own>[0]) => own(items).map(({ name }) => name);
  return {
    chains: namesOf(nftables.map(({ chain }) => chain)),
    sets: namesOf(nftables.map(({ set, map }) => set ?? map)),
    counters: new Map(
      own(nftables.map(({ counter }) => counter)).map(({ name, packets }) => [name, packets]),
    ),
  };
}
