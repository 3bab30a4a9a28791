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
  "Assumes that a client exchanges as much with every peer that the tracker gave it (its answers together, the " +
  "latest counting a quarter, or all of it when it has more outside peers), and with no others; that it reports " +
  "truly; and that a random choice would be among all peers of the swarm.";

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

/** The panel's fields. Shares are from 0 to 1, or null when there is nothing to share. */
export const localitySchema = z.object({
  swarmsWithoutNear: count.describe("Swarms of which no peer is in any peer group."),
  tiers: z.array(tier).max(ACTIVITY_TIERS),
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
        "There are no peer groups: all peers are equally near, and nothing is kept inside. Set peer_groups.";
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
      given: totals.given[slot],
      givenPerSecond: perSecond(({ given }) => given[slot]),
    };
  });
}

function readLocality(totals: Totals, rates: Rates): Reading["locality"] {
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

/** The share of members' announces that returned outside peers although enough near ones were in the swarm. */
function nearMissedShare({ counters }: Totals): number | null {
  return shareOf(counters[COUNTER.nearMissed], counters[COUNTER.memberAnnounces]);
}

/** The avoided part of the external traffic that a random choice would cause, as estimated; negative when there is more. */
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
    "Peers by tier, the nearest first, as counted in the last round over all swarms; a round takes a minute.",
    ...byTier,
  );
}

function localityMetrics(reading: Reading, totals: Totals, groups: PeerGroupsData): Metric[] {
  const { counters, given, givenToMembers } = totals;
  const bySlot = (values: Float64Array) =>
    tiersOf(groups).map((tier) => ({ labels: { tier: labelOf(tier) }, value: values[tier.slot] }));
  return [
    counter("btrt_peers_given_total", "Peers given in answers, by the peer's tier.", ...bySlot(given)),
    counter(
      "btrt_member_peers_given_total",
      "Peers given to clients in peer groups, by the peer's tier.",
      ...bySlot(givenToMembers),
    ),
    counter("btrt_member_announces_total", "Announces from clients in peer groups.", {
      value: counters[COUNTER.memberAnnounces],
    }),
    counter(
      "btrt_near_missed_announces_total",
      "Announces from clients in peer groups that were given outside peers though there were as many near as given.",
      { value: counters[COUNTER.nearMissed] },
    ),
    gauge("btrt_swarms_without_near", "Swarms of which no peer is in any group, as of the last round.", {
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
      "Bytes that clients in peer groups say they have received and sent.",
      ...both(reported),
    ),
    counter(
      "btrt_external_traffic_bytes_total",
      `How many of these came from and went to peers in no group: an estimate. ${ASSUMPTIONS}`,
      ...both(outside),
    ),
    counter(
      "btrt_random_external_traffic_bytes_total",
      `The same with a tracker that chooses at random; the difference is what is avoided. ${ASSUMPTIONS}`,
      ...both(random),
    ),
  ];
}

/** The label of a tier. */
function labelOf({ outside, slot }: ShownTier): string {
  return outside ? "outside" : String(slot + 1);
}
