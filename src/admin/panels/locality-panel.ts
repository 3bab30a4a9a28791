/** Locality: how near the peers are that clients get, and how much external traffic that avoids. */
import { z } from "zod";
import { COUNTER } from "../../model/counters.ts";
import type { PeerGroupsData } from "../../network/peer-groups.ts";
import { ACTIVITY_TIERS } from "../../store/group-activity.ts";
import { counter, gauge, type Metric, type Sample } from "../exposition.ts";
import type { Panel } from "../panel.ts";
import { type Rates, REQUEST_WINDOW, TRAFFIC_WINDOW } from "../rates.ts";
import { type CensusSum, readCensus, shareOf, type Totals, type Traffic } from "../readings.ts";
import type { Sources } from "../sources.ts";
import { type ShownTier, tiersOf } from "../tiers.ts";

const ASSUMPTIONS =
  "Assumptions: a client exchanges the same amount with every peer that was returned to it, and nothing with others " +
  "(all its answers count; the latest has the weight 1/4, or 1 if it has more outside peers); the client reports " +
  "true numbers; a random choice would be among all peers of the swarm.";

const count = z.int().nonnegative();
const share = z.number().nullable();
const traffic = z.object({ downloaded: z.number(), uploaded: z.number() });

const tier = z.object({
  tier: count.describe("1 is the nearest. The last one is outside: peers in no group."),
  outside: z.boolean(),
  groups: z.array(z.string()),
  ipv4: count.describe("Peers in the last scan of all swarms."),
  ipv6: count,
  complete: count,
  returned: count.describe("Peers of this tier that were returned since the start."),
  returnedPerSecond: z.number(),
});

/** The panel's fields. Shares are from 0 to 1, or null when there is nothing to share. */
export const localitySchema = z.object({
  swarmsWithoutNear: count.describe("Swarms without a peer in any peer group."),
  tiers: z.array(tier).max(ACTIVITY_TIERS),
  locality: z.object({
    nearShare: share.describe(
      "Of the peers returned to members of peer groups: the share that are in peer groups.",
    ),
    nearMissedShare: share.describe(
      "Of members' announces: the share that got outside peers although the swarm had enough near ones.",
    ),
    avoidedShare: share.describe(
      "The avoided share of the external traffic that a random choice would cause. An estimate.",
    ),
    reported: traffic.describe("Bytes that members report as received and sent."),
    outside: traffic.describe("The part of them from and to outside peers. An estimate."),
    random: traffic.describe("The same if peers were chosen at random. An estimate."),
    reportedPerSecond: traffic.describe("Over the last five minutes."),
    avoidedPerSecond: traffic,
  }),
});

type Reading = z.output<typeof localitySchema>;

/** Shows locality. */
export function localityPanel(sources: Sources, rates: Rates): Panel<typeof localitySchema> {
  return {
    schema: localitySchema,
    read: (totals) => {
      const census = readCensus(sources.census);
      return {
        swarmsWithoutNear: census.withoutNear,
        tiers: readTiers(sources.policy().groups, census, totals, rates),
        locality: readLocality(totals, rates),
      };
    },
    metrics: (reading, totals) => {
      const { groups } = sources.policy();
      return [
        tierMetric(readCensus(sources.census), groups),
        ...localityMetrics(reading, totals, groups),
        ...trafficMetrics(totals),
      ];
    },
    warnings: () => {
      if (sources.policy().definitions.length > 0) return [];
      const text =
        "There are no peer groups: all peers are equally near, and no traffic is kept inside. Set peer_groups.";
      return [{ isUrgent: false, text }];
    },
  };
}

function readTiers(
  groups: PeerGroupsData,
  census: CensusSum,
  totals: Totals,
  rates: Rates,
): Reading["tiers"] {
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
      returned: totals.returned[slot],
      returnedPerSecond: perSecond(({ returned }) => returned[slot]),
    };
  });
}

function readLocality(totals: Totals, rates: Rates): Reading["locality"] {
  const { returnedToMembers, reported, outside, random } = totals;
  const all = returnedToMembers.reduce((sum, peers) => sum + peers, 0);
  const perSecond = rates.within(TRAFFIC_WINDOW);
  const trafficPerSecond = (value: (which: keyof Traffic) => number): Traffic => ({
    downloaded: value("downloaded"),
    uploaded: value("uploaded"),
  });
  return {
    nearShare: shareOf(all - returnedToMembers[ACTIVITY_TIERS - 1], all),
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

/** The share of members' announces that returned outside peers although enough near ones were in the swarm. */
function nearMissedShare({ counters }: Totals): number | null {
  return shareOf(counters[COUNTER.nearMissed], counters[COUNTER.memberAnnounces]);
}

/**
 * The avoided share of the external traffic that a random choice would cause. An estimate. Negative if there is more
 * external traffic than with a random choice.
 */
function avoidedShare({ outside, random }: Totals): number | null {
  const atRandom = random.downloaded + random.uploaded;
  return shareOf(atRandom - outside.downloaded - outside.uploaded, atRandom);
}

function tierMetric(census: CensusSum, groups: PeerGroupsData): Metric {
  const families = [4, 6] as const;
  const byTier = tiersOf(groups).flatMap((tier) =>
    families.flatMap((family) =>
      [true, false].map((complete) => ({
        labels: { tier: labelOf(tier), family: `ipv${family}`, complete: complete ? "yes" : "no" },
        value: tier.ids.reduce((sum, id) => sum + census.peersOf(family, complete, id), 0),
      })),
    ),
  );
  return gauge(
    "btrt_tier_peers",
    "Peers by tier, nearest first, in the last scan of all swarms. There is a scan each minute.",
    ...byTier,
  );
}

function localityMetrics(reading: Reading, totals: Totals, groups: PeerGroupsData): Metric[] {
  const { counters, returned, returnedToMembers } = totals;
  const bySlot = (values: Float64Array) =>
    tiersOf(groups).map((tier) => ({ labels: { tier: labelOf(tier) }, value: values[tier.slot] }));
  return [
    counter("btrt_peers_returned_total", "Returned peers, by the peer's tier.", ...bySlot(returned)),
    counter(
      "btrt_member_peers_returned_total",
      "Peers returned to clients in peer groups, by the peer's tier.",
      ...bySlot(returnedToMembers),
    ),
    counter("btrt_member_announces_total", "Announces from clients in peer groups.", {
      value: counters[COUNTER.memberAnnounces],
    }),
    counter(
      "btrt_near_missed_announces_total",
      "Announces from clients in peer groups that got outside peers although the swarm had enough near ones.",
      { value: counters[COUNTER.nearMissed] },
    ),
    gauge("btrt_swarms_without_near", "Swarms without a peer in any group, in the last scan.", {
      value: reading.swarmsWithoutNear,
    }),
  ];
}

function trafficMetrics({ reported, outside, random }: Totals): Metric[] {
  const both = ({ downloaded, uploaded }: Traffic): Sample[] => [
    { labels: { direction: "down" }, value: downloaded },
    { labels: { direction: "up" }, value: uploaded },
  ];
  return [
    counter(
      "btrt_member_traffic_bytes_total",
      "Bytes that clients in peer groups report as received and sent.",
      ...both(reported),
    ),
    counter(
      "btrt_external_traffic_bytes_total",
      `The part of these bytes from and to peers in no group. An estimate. ${ASSUMPTIONS}`,
      ...both(outside),
    ),
    counter(
      "btrt_random_external_traffic_bytes_total",
      `The same with a tracker that chooses peers at random. The difference is the avoided traffic. ${ASSUMPTIONS}`,
      ...both(random),
    ),
  ];
}

/** The label of a tier. */
function labelOf({ outside, slot }: ShownTier): string {
  return outside ? "outside" : String(slot + 1);
}
