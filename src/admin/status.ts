/** The state of the tracker at a glance: what `btrt status` and the page show. */
import { z } from "zod";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { ACTIVITY_TIERS } from "../tracker/group-activity.ts";
import { usedBytes } from "../tracker/heap.ts";
import { countsOf } from "../tracker/store-memory.ts";
import { forwardingSchema, readForwarding } from "./forwarding.ts";
import { neighborSchema, readNeighbors } from "./neighbors.ts";
import { type Rates, REQUEST_WINDOW, TRAFFIC_WINDOW } from "./rates.ts";
import {
  avoidedShare,
  type CensusSum,
  LIMITS,
  nearMissedShare,
  REFUSAL_COUNTS,
  REQUEST_COUNTS,
  readCensus,
  readTotals,
  shareOf,
  type Totals,
  type Traffic,
} from "./readings.ts";
import type { Sources } from "./sources.ts";
import { tiersOf } from "./tiers.ts";
import { findWarnings } from "./warnings.ts";

const count = z.int().nonnegative();
const share = z.number().nullable();
const traffic = z.object({ downloaded: z.number(), uploaded: z.number() });

const tier = z.object({
  tier: count.describe("1 is the nearest. The last one is outside: peers in no group."),
  outside: z.boolean(),
  groups: z.array(z.string()),
  ipv4: count.describe("Peers, as the sweeper last saw them."),
  ipv6: count,
  complete: count,
  given: count.describe("Peers given in answers since the start."),
  givenPerSecond: z.number(),
});

/** What `/api/v1/status` answers. Shares are from 0 to 1, or null when there is nothing to share. */
export const statusSchema = z.object({
  version: z.string(),
  build: z.string(),
  pid: count.describe("The number of its process."),
  engine: z.string(),
  workers: count,
  ready: z.boolean().describe("Whether clients are answered."),
  announceUrls: z.array(z.string()),
  time: z.iso.datetime(),
  uptimeSeconds: z.number(),
  swarms: count,
  swarmsWithoutNear: count.describe("Swarms of which no peer is in any peer group."),
  peers: count.describe("Learned ones among them."),
  learnedPeers: count.describe("Peers known only from other trackers, which are counted nowhere else."),
  peersLimit: count,
  tiers: z.array(tier).max(ACTIVITY_TIERS),
  requests: z.array(
    z.object({
      protocol: z.enum(["http", "udp"]),
      kind: z.string(),
      family: z.enum(["ipv4", "ipv6"]),
      outcome: z.string(),
      count,
      perSecond: z.number(),
    }),
  ),
  requestsPerSecond: z.number(),
  refusals: z
    .array(z.object({ reason: z.string(), text: z.string(), count, perSecond: z.number() }))
    .describe("Why requests were refused, the most frequent reason first."),
  limits: z.array(z.object({ limit: z.string(), count })).describe("Limits that were hit, and how often."),
  locality: z.object({
    nearShare: share.describe("Of the peers given to members of peer groups: how many are in peer groups."),
    nearMissedShare: share.describe("Announces given outside peers though there were as many near as given."),
    avoidedShare: share.describe(
      "Of the external traffic of a random choice: how much was avoided. An estimate.",
    ),
    reported: traffic.describe("Bytes that members say they have received and sent."),
    outside: traffic.describe("How many of them from and to outside, as estimated."),
    random: traffic.describe("The same, had their peers been chosen at random."),
    reportedPerSecond: traffic.describe("Over the last five minutes."),
    avoidedPerSecond: traffic,
  }),
  memory: z.object({
    swarmBytes: count,
    swarmBytesLimit: count,
    residentBytes: count.describe("Of the whole process."),
  }),
  forwarding: forwardingSchema,
  database: z.object({
    url: z.string(),
    usable: z.boolean(),
    failure: z.string().nullable().describe("What keeps it from being used."),
    replacements: count.describe("How often its file was damaged or gone since the start, and replaced."),
    lastReplacement: z
      .object({
        at: z.iso.datetime(),
        reason: z.string(),
        torrents: count.describe("Torrents that the new file has from the old one."),
        totals: count,
        keptAs: z.string().nullable().describe("Where what was in its place is now."),
      })
      .nullable(),
    savedAt: z.iso.datetime().nullable(),
    saveSeconds: z.number(),
    rowsWritten: count,
    failures: count,
  }),
  hashList: z.object({
    entries: count.describe("Torrents listed: those whose connections to the outside can be refused."),
    entered: count.describe("Since the start."),
    left: count,
    leftOut: count.describe("Torrents that qualify, too, beyond hashlist.max_entries."),
    excluded: count.describe("Torrents that qualify, too, in the file of hashlist.exclude."),
    changedAt: z.iso.datetime(),
    checkedAt: z.iso.datetime().nullable(),
    validUntil: z.iso.datetime(),
    lookSeconds: z.number().describe("How long it took to look at all torrents."),
    workSeconds: z.number().describe("How much of that was work."),
    failures: count.describe("Attempts to write the list that failed."),
    dryRun: z.boolean(),
  }),
  handshakes: z
    .array(
      z.object({
        direction: z
          .enum(["out", "in", "any"])
          .describe("Who sends it: somebody inside, or outside; any: a DPI box, which does not say."),
        seen: count,
        refused: count,
      }),
    )
    .describe("BitTorrent handshakes across the border since the start, where somebody counts them."),
  counterFiles: z
    .array(
      z.object({
        by: z.enum(["router", "dpi"]),
        file: z.string(),
        writtenAt: z.iso.datetime().nullable().describe("null: there have been no counts in it."),
        isStale: z.boolean().describe("It has not been written for half an hour."),
      }),
    )
    .describe("The files that these counts are read from."),
  neighbors: z.array(neighborSchema),
  warnings: z.array(z.string()).describe("What needs a person."),
});

/** The state of the tracker. */
export type Status = z.output<typeof statusSchema>;

/** Reads the state. */
export function readStatus(sources: Sources, rates: Rates): Status {
  const totals = readTotals(sources);
  const census = readCensus(sources.census);
  const { peers, learned, swarms } = countsOf(sources.store);
  const perSecond = rates.within(REQUEST_WINDOW);
  const requests = REQUEST_COUNTS.map(({ labels, at }) => ({
    ...labels,
    count: totals.counters[at],
    perSecond: perSecond(({ counters }) => counters[at]),
  })).filter(({ count }) => count > 0);
  return {
    version: sources.version,
    build: sources.build,
    pid: process.pid,
    engine: sources.engine,
    workers: sources.workers,
    ready: sources.ready(),
    announceUrls: [...sources.addresses()],
    time: new Date().toISOString(),
    uptimeSeconds: process.uptime(),
    swarms,
    swarmsWithoutNear: census.withoutNear,
    peers,
    learnedPeers: learned,
    peersLimit: sources.store.maxPeers,
    tiers: readTiers(sources.policy().groups, census, totals, rates),
    requests,
    requestsPerSecond: requests.reduce((sum, request) => sum + request.perSecond, 0),
    refusals: readRefusals(totals, rates),
    limits: LIMITS.map(({ limit, at }) => ({ limit, count: totals.counters[at] })).filter(
      ({ count }) => count > 0,
    ),
    locality: readLocality(totals, rates),
    memory: {
      swarmBytes: usedBytes(sources.store.heap),
      swarmBytesLimit: sources.memoryBound,
      residentBytes: process.memoryUsage.rss(),
    },
    forwarding: readForwarding(sources.forwarding(), totals.counters),
    database: readDatabase(sources),
    ...readHashList(sources),
    neighbors: readNeighbors(sources, totals),
    warnings: findWarnings(sources, rates),
  };
}

function readRefusals({ counters }: Totals, rates: Rates): Status["refusals"] {
  const perSecond = rates.within(REQUEST_WINDOW);
  return REFUSAL_COUNTS.map(({ name, text, at }) => ({
    reason: name,
    text,
    count: counters[at],
    perSecond: perSecond((then) => then.counters[at]),
  }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

function readTiers(groups: PeerGroupsData, census: CensusSum, totals: Totals, rates: Rates): Status["tiers"] {
  const perSecond = rates.within(REQUEST_WINDOW);
  return tiersOf(groups).map(({ slot, outside, ids, names }, i) => {
    const sum = (count: (id: number) => number) => ids.reduce((total, id) => total + count(id), 0);
    const ofFamily = (family: 4 | 6) =>
      sum((id) => census.peersOf(family, true, id) + census.peersOf(family, false, id));
    return {
      tier: i + 1,
      outside,
      groups: [...names],
      ipv4: ofFamily(4),
      ipv6: ofFamily(6),
      complete: sum((id) => census.peersOf(4, true, id) + census.peersOf(6, true, id)),
      given: totals.given[slot],
      givenPerSecond: perSecond(({ given }) => given[slot]),
    };
  });
}

function readLocality(totals: Totals, rates: Rates): Status["locality"] {
  const { givenToMembers, reported, outside, random } = totals;
  const all = givenToMembers.reduce((sum, peers) => sum + peers, 0);
  const perSecond = rates.within(TRAFFIC_WINDOW);
  const trafficPerSecond = (value: (which: keyof Traffic) => number): Traffic => ({
    downloaded: value("downloaded"),
    uploaded: value("uploaded"),
  });
  return {
    nearShare: shareOf(all - givenToMembers[ACTIVITY_TIERS - 1], all),
    nearMissedShare: nearMissedShare(totals),
    avoidedShare: avoidedShare(totals),
    reported,
    outside,
    random,
    reportedPerSecond: trafficPerSecond((which) => perSecond((then) => then.reported[which])),
    avoidedPerSecond: trafficPerSecond((which) =>
      perSecond((then) => then.random[which] - then.outside[which]),
    ),
  };
}

function readHashList({ hashList }: Sources): Pick<Status, "hashList" | "handshakes" | "counterFiles"> {
  const { handshakes, counterFiles, changedAt, checkedAt, validUntil, lookMs, workMs, failing, ...counts } =
    hashList.state();
  return {
    hashList: {
      ...counts,
      changedAt: new Date(changedAt).toISOString(),
      checkedAt: checkedAt === 0 ? null : new Date(checkedAt).toISOString(),
      validUntil: new Date(validUntil).toISOString(),
      lookSeconds: lookMs / 1000,
      workSeconds: workMs / 1000,
    },
    handshakes: [...handshakes],
    counterFiles: counterFiles.map(({ writtenAt, ...of }) => ({
      ...of,
      writtenAt: writtenAt === 0 ? null : new Date(writtenAt).toISOString(),
    })),
  };
}

function readDatabase(sources: Sources): Status["database"] {
  const { url, failingSince, failure, savedAt, saveMs, rowsWritten, failures, ...replaced } =
    sources.database();
  const last = replaced.lastReplacement;
  return {
    url,
    usable: failingSince === null,
    failure,
    replacements: replaced.replacements,
    lastReplacement:
      last === null
        ? null
        : {
            at: new Date(last.at).toISOString(),
            reason: last.reason,
            torrents: last.swarms,
            totals: last.totals,
            keptAs: last.keptAs,
          },
    savedAt: savedAt === 0 ? null : new Date(savedAt).toISOString(),
    saveSeconds: saveMs / 1000,
    rowsWritten,
    failures,
  };
}
