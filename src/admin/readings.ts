import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { GROUP_IDS, NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY, ACTIVITY_TIERS, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { CENSUS, LARGE, LARGEST, LARGEST_WORDS, peersAt, SIZE_CLASSES } from "../tracker/census.ts";
import type { Sources } from "./sources.ts";

/** Bytes received and sent. */
export interface Traffic {
  readonly downloaded: number;
  readonly uploaded: number;
}

/** All cumulative counters at one moment. */
export interface Totals {
  /** By model/counters.ts. */
  readonly counters: Float64Array;
  /** Returned peers by tier, to all clients and to members of peer groups. */
  readonly returned: Float64Array;
  readonly returnedToMembers: Float64Array;
  /** The traffic that members report; the estimated external part; the same with peers chosen at random. */
  readonly reported: Traffic;
  readonly outside: Traffic;
  readonly random: Traffic;
}

/** One of the largest swarms. */
interface LargeSwarm {
  readonly infoHash: string;
  readonly complete: number;
  readonly incomplete: number;
  /** By tier. */
  readonly peers: readonly number[];
}

/** The swarms and peers of the last sweep: up to a minute old. */
export interface CensusSum {
  readonly swarms: number;
  readonly withoutNear: number;
  readonly sizes: Float64Array;
  /** The peers of a group, complete or not. */
  readonly peersOf: (family: 4 | 6, complete: boolean, group: number) => number;
  readonly largest: readonly LargeSwarm[];
}

/** Sums the counters of all threads since the start. */
export function readTotals({ counters, activity }: Pick<Sources, "counters" | "activity">): Totals {
  const sum = new Float64Array(counters[0].length);
  for (const each of counters) for (let i = 0; i < sum.length; i++) sum[i] += each[i];
  const rows = new Float64Array(2 * ACTIVITY_WIDTH);
  for (const each of activity) {
    for (let i = 0; i < GROUP_IDS * ACTIVITY_WIDTH; i++) {
      const row = i < (NO_GROUP + 1) * ACTIVITY_WIDTH ? 0 : ACTIVITY_WIDTH;
      rows[row + (i % ACTIVITY_WIDTH)] += each[i];
    }
  }
  const members = rows.subarray(ACTIVITY_WIDTH);
  const returnedToMembers = members.slice(ACTIVITY.returned, ACTIVITY.returned + ACTIVITY_TIERS);
  const traffic = (at: number): Traffic => ({ downloaded: members[at], uploaded: members[at + 1] });
  return {
    counters: sum,
    returned: returnedToMembers.map((peers, tier) => peers + rows[ACTIVITY.returned + tier]),
    returnedToMembers,
    reported: traffic(ACTIVITY.downloaded),
    outside: traffic(ACTIVITY.outside),
    random: traffic(ACTIVITY.random),
  };
}

/** Sums the published results of all sweepers. */
export function readCensus(census: Sources["census"]): CensusSum {
  const sum = (at: number) => census.reduce((total, words) => total + words[at], 0);
  const largest = census.flatMap((words) =>
    Array.from({ length: LARGEST }, (_, i) => largeSwarm(words, CENSUS.largest + i * LARGEST_WORDS)),
  );
  return {
    swarms: sum(CENSUS.swarms),
    withoutNear: sum(CENSUS.withoutNear),
    sizes: Float64Array.from({ length: SIZE_CLASSES }, (_, c) => sum(CENSUS.sizes + c)),
    peersOf: (family, complete, group) => sum(peersAt(family, complete, group)),
    largest: largest
      .filter(({ complete, incomplete }) => complete + incomplete > 0)
      .sort((a, b) => b.complete + b.incomplete - (a.complete + a.incomplete))
      .slice(0, LARGEST),
  };
}

function largeSwarm(words: Uint32Array, at: number): LargeSwarm {
  const hash = Array.from(words.subarray(at, at + INFO_HASH_WORDS), (word) =>
    word.toString(16).padStart(8, "0"),
  );
  return {
    infoHash: hash.join(""),
    complete: words[at + LARGE.complete],
    incomplete: words[at + LARGE.incomplete],
    peers: [...words.subarray(at + LARGE.tiers, at + LARGEST_WORDS)],
  };
}

/** The share of `part` in `whole`, or null when there is nothing to share. */
export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
