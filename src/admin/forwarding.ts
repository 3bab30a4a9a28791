/** What is said of forwarded announces and external trackers: in the status, and to Prometheus. */
import { z } from "zod";
import { COUNTER } from "../model/counters.ts";
import { counter, gauge, type Metric } from "./exposition.ts";
import { kindsOf, namedPeersSchema } from "./named-peers.ts";
import { ASKING, type ForwardingState } from "./sources.ts";

const count = z.int().nonnegative();

/** Part of the status. */
export const forwardingSchema = z
  .object({
    announces: count.describe("Announces that were meant for external trackers."),
    unasked: count.describe("Those among them for which none had to be asked."),
    joined: count.describe("Those that shared what was being asked already."),
    asked: count.describe("Announces sent to external trackers."),
    answered: count,
    failed: count,
    leftAlone: count.describe("Not sent, to trackers that are left alone after failures."),
    dropped: count.describe("Not sent, as too many waited."),
    crowded: count.describe("Those among them whose client address had too many waiting itself."),
    unnumbered: count.describe("Answers whose peers were not stored, as too many trackers were named."),
    displaced: count.describe(
      "Peers removed in favour of another tracker's, which had fewer in the torrent.",
    ),
    running: count.describe("On their way now."),
    queued: count.describe("Waiting for their turn now."),
    given: count.describe("Peers given to those that were forwarded."),
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
          state: z.enum(Object.values(ASKING)).describe("Left alone: it failed, and is tried again later."),
          lastFailure: z.string().nullable(),
          latencySeconds: z.number().describe("Of the last answer."),
        }),
      )
      .describe("Those that are asked most."),
  })
  .nullable()
  .describe("External trackers in whose place this one answers; null when nobody forwards announces.");

/** Reads that part. */
export function readForwarding(
  state: ForwardingState | undefined,
  counters: Float64Array,
): z.output<typeof forwardingSchema> {
  if (state === undefined) return null;
  return {
    announces: counters[COUNTER.forwarded],
    unasked: counters[COUNTER.forwardedUnasked],
    given: counters[COUNTER.forwardedGiven],
    near: counters[COUNTER.forwardedNear],
    ...state,
    peers: { ...state.peers },
    trackers: state.trackers.map(({ state, latencyMs, ...tracker }) => ({
      ...tracker,
      state: ASKING[state],
      latencySeconds: latencyMs / 1000,
    })),
  };
}

/** The metrics; none when nobody forwards announces. */
export function forwardingMetrics(state: ForwardingState | undefined, counters: Float64Array): Metric[] {
  const forwarding = readForwarding(state, counters);
  if (forwarding === null) return [];
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
      "Announces to external trackers, by what came of them. left_alone: not sent, as the tracker is left alone after " +
        "failures; dropped: not sent, as too many waited.",
      ...outcomes.map(([outcome, field]) => ({ labels: { outcome }, value: forwarding[field] })),
    ),
    counter(
      "btrt_external_tracker_failures_total",
      "Those that failed, of the trackers that are asked most.",
      ...trackers.map(({ name, failed }) => ({ labels: { tracker: name }, value: failed })),
    ),
    gauge(
      "btrt_external_tracker_left_alone",
      "1 for a tracker that is left alone after failures, or tried again, of those that are asked most.",
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
    ...trafficMetrics(forwarding),
  ];
}

/** What is on its way, and what became of peers. */
function trafficMetrics(forwarding: NonNullable<ReturnType<typeof readForwarding>>): Metric[] {
  return [
    gauge("btrt_external_running", "Announces to external trackers on their way.", {
      value: forwarding.running,
    }),
    gauge("btrt_external_queued", "Announces to external trackers that wait for their turn.", {
      value: forwarding.queued,
    }),
    counter(
      "btrt_external_peers_total",
      "Peers that external trackers have named, by what became of them.",
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
