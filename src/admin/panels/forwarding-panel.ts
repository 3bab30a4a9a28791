/** Forwarded announces, and the upstream trackers that are asked on behalf of clients. */
import { z } from "zod";
import type { Forwarder } from "../../forwarding/forwarder.ts";
import type { Upstream } from "../../forwarding/upstream.ts";
import { COUNTER } from "../../model/counters.ts";
import type { LearnedCounts } from "../../store/learned-peers.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel } from "../panel.ts";
import { ASKING, askingSchema, kindsOf, namedPeersSchema } from "./other-trackers.ts";

/** The number of trackers that are listed: those with most requests. */
const SHOWN_TRACKERS = 20;

const count = z.int().nonnegative();

const forwardingFields = z
  .object({
    announces: count.describe("Announces that were forwarded here."),
    unasked: count.describe("Of these: answered without a request upstream."),
    joined: count.describe("Of these: shared a request that was already in progress."),
    asked: count.describe("Announces sent to upstream trackers."),
    answered: count,
    failed: count,
    backingOff: count.describe("Not sent, because the tracker was backing off after failures."),
    dropped: count.describe("Not sent, because the queue was full."),
    crowded: count.describe("Of these: the client's address reached its limit of waiting announces."),
    unnumbered: count.describe(
      "Replies whose peers were not stored, because the table of trackers was full.",
    ),
    displaced: count.describe(
      "Peers removed to make room for those of another tracker that had fewer in the torrent.",
    ),
    running: count.describe("Requests in progress."),
    queued: count.describe("Waiting requests."),
    returned: count.describe("Peers returned to forwarded announces."),
    near: count.describe("Of these: in peer groups. Each takes the place of an outside peer."),
    peers: namedPeersSchema.describe("Peers in the replies of upstream trackers."),
    trackers: z
      .array(
        z.object({
          name: z.string(),
          confirmed: z
            .boolean()
            .describe("Clients at several addresses use it, so its peers are returned to all clients."),
          asked: count,
          answered: count,
          failed: count,
          backingOff: count,
          dropped: count,
          state: askingSchema,
          lastFailure: z.string().nullable(),
          latencySeconds: z.number().describe("Of the last reply."),
        }),
      )
      .describe("The trackers with most requests."),
  })
  .nullable()
  .describe("Upstream trackers for which this tracker answers. Null if no forwarded announces are accepted.");

/** The panel's fields. */
export const forwardingSchema = z.object({ forwarding: forwardingFields });

type Forwarding = NonNullable<z.output<typeof forwardingFields>>;

/** What the panel reads. */
export interface ShownForwarding {
  /** Whether forwarded announces are accepted. */
  readonly isOn: () => boolean;
  readonly forwarder: Forwarder;
  /** What the store did with the peers that upstream trackers returned. */
  readonly learned: LearnedCounts;
  /** The data plane's clock, in seconds. */
  readonly now: () => number;
}

/** Shows forwarded announces. Null and without metrics while none are accepted. */
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
    returned: counters[COUNTER.forwardedReturned],
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

/** Announces to upstream trackers, by outcome. */
function askingMetrics(forwarding: Forwarding): Metric[] {
  const { trackers } = forwarding;
  const outcomes = [
    ["answered", "answered"],
    ["failed", "failed"],
    ["backing_off", "backingOff"],
    ["dropped", "dropped"],
  ] as const;
  return [
    counter("btrt_forwarded_announces_total", "Announces for upstream trackers that were forwarded here.", {
      value: forwarding.announces,
    }),
    counter(
      "btrt_forwarded_saved_total",
      "Forwarded announces without a request of their own. unasked: enough peers were known; joined: they shared a request in progress.",
      { labels: { how: "unasked" }, value: forwarding.unasked },
      { labels: { how: "joined" }, value: forwarding.joined },
    ),
    counter(
      "btrt_upstream_announces_total",
      "Announces to upstream trackers, by outcome. backing_off: not sent, because the tracker was backing off " +
        "after failures; dropped: not sent, because the queue was full.",
      ...outcomes.map(([outcome, field]) => ({ labels: { outcome }, value: forwarding[field] })),
    ),
    counter(
      "btrt_upstream_tracker_failures_total",
      "Failed announces to each of the trackers with most requests.",
      ...trackers.map(({ name, failed }) => ({ labels: { tracker: name }, value: failed })),
    ),
    gauge(
      "btrt_upstream_tracker_backing_off",
      "1 while the tracker is backing off or probed after failures, else 0. Only the trackers with most requests.",
      ...trackers.map(({ name, state }) => ({
        labels: { tracker: name },
        value: state === "asked" ? 0 : 1,
      })),
    ),
    counter(
      "btrt_upstream_crowded_total",
      "Announces that were dropped because the client's address reached its limit of waiting announces.",
      { value: forwarding.crowded },
    ),
    counter(
      "btrt_upstream_unnumbered_total",
      "Replies of upstream trackers whose peers were not stored, because the table of trackers was full.",
      { value: forwarding.unnumbered },
    ),
    counter(
      "btrt_upstream_displaced_total",
      "Peers of an upstream tracker that were removed to make room for those of another.",
      { value: forwarding.displaced },
    ),
  ];
}

/** Announces in progress, and peers. */
function trafficMetrics(forwarding: Forwarding): Metric[] {
  return [
    gauge("btrt_upstream_running", "Announces to upstream trackers in progress.", {
      value: forwarding.running,
    }),
    gauge("btrt_upstream_queued", "Announces to upstream trackers in the queue.", {
      value: forwarding.queued,
    }),
    counter(
      "btrt_upstream_peers_total",
      "Peers in the replies of upstream trackers, by what the store did with them.",
      ...Object.entries(kindsOf(forwarding.peers)).map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    counter("btrt_forwarded_peers_returned_total", "Peers returned to forwarded announces.", {
      value: forwarding.returned,
    }),
    counter(
      "btrt_forwarded_near_peers_returned_total",
      "Of these: in peer groups. Each takes the place of an outside peer.",
      { value: forwarding.near },
    ),
  ];
}
