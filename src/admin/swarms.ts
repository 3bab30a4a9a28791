/** Swarms and peer groups, as of the last sweep. */
import { z } from "zod";
import { NO_GROUP } from "../network/peer-groups.ts";
import { formatPrefix } from "../network/prefix.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { readCensus } from "./readings.ts";
import type { Sources } from "./sources.ts";
import { tiersOf } from "./tiers.ts";

/** The number of prefixes that are shown of a group. */
const FIRST_PREFIXES = 3;

/** The answer of `/api/v1/swarms`. */
export const swarmsSchema = z.object({
  sizes: z
    .array(z.object({ upTo: z.int(), swarms: z.int() }))
    .describe("Numbers of swarms with more than upTo / 2 and at most upTo peers."),
  largest: z.array(
    z.object({
      infoHash: z.string(),
      complete: z.int(),
      incomplete: z.int(),
      peersByTier: z.array(z.int()).describe("The nearest tier first, outside last."),
    }),
  ),
  groups: z.array(
    z.object({
      name: z.string().nullable().describe("Null: in no group, outside."),
      tier: z.int(),
      priority: z.int().nullable().describe("As configured: the lowest is the nearest. Null: in no group."),
      prefixes: z.int(),
      firstPrefixes: z.array(z.string()).describe("The first prefixes, in the order of the configuration."),
      peers: z.int(),
      complete: z.int(),
      announces: z.number().describe("Since the start."),
      downloaded: z.number().describe("Bytes that its clients report as received since the start."),
      uploaded: z.number(),
    }),
  ),
});

/** See {@link swarmsSchema}. */
export type Swarms = z.output<typeof swarmsSchema>;

/** Reads swarms and peer groups. */
export function readSwarms(sources: Sources): Swarms {
  const { groups: policyGroups, definitions } = sources.policy();
  const { groups, tierOf } = policyGroups;
  const census = readCensus(sources.census);
  const lastSize = census.sizes.findLastIndex((swarms) => swarms > 0);
  const tiers = tiersOf(policyGroups);
  const all = [...groups, { id: NO_GROUP, name: null, tier: tierOf[NO_GROUP], prefixCount: 0 }];
  return {
    sizes: Array.from(census.sizes.subarray(0, lastSize + 1), (swarms, i) => ({ upTo: 2 ** i, swarms })),
    largest: census.largest.map(({ infoHash, complete, incomplete, peers }) => ({
      infoHash,
      complete,
      incomplete,
      peersByTier: tiers.map(({ slot }) => peers[slot]),
    })),
    groups: all.map(({ id, name, tier, prefixCount }) => {
      const complete = census.peersOf(4, true, id) + census.peersOf(6, true, id);
      const sum = (at: number) =>
        sources.activity.reduce((total, counts) => total + counts[id * ACTIVITY_WIDTH + at], 0);
      const definition = definitions.find((group) => group.name === name);
      return {
        name,
        tier: tier + 1,
        priority: definition?.priority ?? null,
        prefixes: prefixCount,
        firstPrefixes: (definition?.prefixes ?? []).slice(0, FIRST_PREFIXES).map(formatPrefix),
        peers: complete + census.peersOf(4, false, id) + census.peersOf(6, false, id),
        complete,
        announces: sum(ACTIVITY.announces),
        downloaded: sum(ACTIVITY.downloaded),
        uploaded: sum(ACTIVITY.uploaded),
      };
    }),
  };
}
