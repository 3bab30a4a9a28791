/** Forwarded announces, and the external trackers that are asked on behalf of clients. */
import { z } from "zod";
import type { Forwarder } from "../../forwarding/forwarder.ts";
import type { Upstream } from "../../forwarding/upstream.ts";
import { COUNTER } from "../../model/counters.ts";
import type { LearnedCounts } from "../../store/learned-peers.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel } from "../panel.ts";
import { ASKING, askingSchema, kindsOf, namedPeersSchema } from "./other-trackers.ts";

/** Trackers that are shown each for itself: those that are asked most. */
const SHOWN_TRACKERS = 20;

const count = z.int().nonnegative();

const forwardingFields = z
  .object({
    announces: count.describe("Announces for external trackers."),
    unasked: count.describe("Those among them for which none had to be asked."),
    joined: count.describe("Those that shared what was being asked already."),
    asked: count.describe("Announces sent to external trackers."),
    answered: count,
    failed: count,
    leftAlone: count.describe("Not sent, because the tracker was backing off after failures."),
    dropped: count.describe("Not sent, as too many waited."),
    crowded: count.describe("Those among them whose client address had too many waiting itself."),
    unnumbered: count.describe("Answers whose peers were not stored, as too many trackers were named."),
    displaced: count.describe(
      "Peers removed in favour of another tracker's, which had fewer in the torrent.",
    ),
    running: count.describe("On their way now."),
    queued: count.describe("Waiting for their turn now."),
    given: count.describe("Peers returned to forwarded announces."),
    near: count.describe("Those among them that are in peer groups, in the place of external ones."),
    peers: namedPeersSchema.describe("Peers that external trackers have named."),
    trackers: z
      .array(
        z.object({
          name: z.string(),
          confirmed: z
            .boolean()
            .describe("Clients at several addresses use it, and so its peers are for all clients."),
          asked: count,
          answered: count,
          failed: count,
          leftAlone: count,
          dropped: count,
          state: askingSchema,
          lastFailure: z.string().nullable(),
          latencySeconds: z.number().describe("Of the last answer."),
        }),
      )
      .describe("Those that are asked most."),
  })
  .nullable()
  .describe("External trackers in whose place this one answers; null when nobody forwards announces.");

/** The panel's fields. */
export const forwardingSchema = z.object({ forwarding: forwardingFields });

type Forwarding = NonNullable<z.output<typeof forwardingFields>>;

/** What the panel reads. */
export interface ShownForwarding {
  /** Whether anybody may forward announces. */
  readonly isOn: () => boolean;
  readonly forwarder: Forwarder;
  /** What became of the peers that external trackers have returned. */
  readonly learned: LearnedCounts;
  /** The data plane's clock, in seconds. */
  readonly now: () => number;
}

/** Shows forwarded announces; null, and no metrics, while nobody may forward any. */
export function forwardingPanel(shown: ShownForwarding): Panel<typeof forwardingSchema> {
  return {
    schema: forwardingSchema,
    read: ({ counters }) => ({ forwarding: shown.isOn() ? readForwarding(shown, counters) : null }),
    metrics: ({ forwarding }) =>
      forwarding === null ? [] : [...askingMetrics(forwarding), ...trafficMetrics(forwarding)],
    warnings: () => [],
  };
}

function readForwarding({ forwarder, learned, now }: ShownForwarding, counters: Float64Array): Forwarding {
  const { joined, schedule, counts, standings } = forwarder;
  const nowSeconds = now();
  const readTracker = ({ name, counts, state, lastFailure, latencyMs }: Upstream) => ({
    name,
    confirmed: standings.isConfirmed(name.slice(name.indexOf("//") + 2), nowSeconds),
    ...counts,
    state: ASKING[state],
    lastFailure,
    latencySeconds: latencyMs / 1000,
  });
  return {
    announces: counters[COUNTER.forwarded],
    unasked: counters[COUNTER.forwardedUnasked],
    given: counters[COUNTER.forwardedGiven],
    near: counters[COUNTER.forwardedNear],
    joined,
    running: schedule.running,
    queued: schedule.queued,
    ...schedule.totals,
    crowded: schedule.crowded,
    unnumbered: standings.unnumbered,
    displaced: learned.displaced,
    peers: {
      ...counts,
      learned: learned.added,
      renewed: learned.renewed,
      announced: learned.announced,
      refused: learned.refused,
      unusable: counts.unusable + learned.unusable,
    },
    trackers: [...schedule.upstreams]
      .sort((a, b) => b.counts.asked - a.counts.asked)
      .slice(0, SHOWN_TRACKERS)
      .map(readTracker),
  };
}

/** Announces to external trackers, and what came of them. */
function askingMetrics(forwarding: Forwarding): Metric[] {
  const { trackers } = forwarding;
  const outcomes = [
    ["answered", "answered"],
    ["failed", "failed"],
    ["left_alone", "leftAlone"],
    ["dropped", "dropped"],
  ] as const;
  return [
    counter("btrt_forwarded_announces_total", "Announces that were meant for external trackers.", {
      value: forwarding.announces,
    }),
    counter(
      "btrt_forwarded_saved_total",
      "Those for which no external tracker was asked. unasked: enough was known; joined: it was being asked already.",
      { labels: { how: "unasked" }, value: forwarding.unasked },
      { labels: { how: "joined" }, value: forwarding.joined },
    ),
    counter(
      "btrt_external_announces_total",
      "Announces to external trackers, by result. left_alone: not sent, as the tracker was backing off " +
        "after failures; dropped: not sent, as too many waited.",
      ...outcomes.map(([outcome, field]) => ({ labels: { outcome }, value: forwarding[field] })),
    ),
    counter(
      "btrt_external_tracker_failures_total",
      "Those that failed, of the trackers that are asked most.",
      ...trackers.map(({ name, failed }) => ({ labels: { tracker: name }, value: failed })),
    ),
    gauge(
      "btrt_external_tracker_left_alone",
      "1 for a tracker that is backing off after failures, or tried again, of those that are asked most.",
      ...trackers.map(({ name, state }) => ({
        labels: { tracker: name },
        value: state === "asked" ? 0 : 1,
      })),
    ),
    counter(
      "btrt_external_crowded_total",
      "Announces that were dropped as their client address had too many waiting itself.",
      { value: forwarding.crowded },
    ),
    counter(
      "btrt_external_unnumbered_total",
      "Answers of external trackers whose peers were not stored, as too many trackers were named.",
      { value: forwarding.unnumbered },
    ),
    counter(
      "btrt_external_displaced_total",
      "Peers named by external trackers that were removed in favour of another tracker's.",
      { value: forwarding.displaced },
    ),
  ];
}

/** Announces under way, and peers. */
function trafficMetrics(forwarding: Forwarding): Metric[] {
  return [
    gauge("btrt_external_running", "Announces to external trackers on their way.", {
      value: forwarding.running,
    }),
    gauge("btrt_external_queued", "Announces to external trackers that wait for their turn.", {
      value: forwarding.queued,
    }),
    counter(
      "btrt_external_peers_total",
      "Peers in the answers of external trackers, by result.",
      ...Object.entries(kindsOf(forwarding.peers)).map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    counter("btrt_forwarded_peers_given_total", "Peers given to those that were forwarded.", {
      value: forwarding.given,
    }),
    counter(
      "btrt_forwarded_near_peers_given_total",
      "Those among them that are in peer groups: an external one would be in their place.",
      { value: forwarding.near },
    ),
  ];
}
