/** Requests: how many are answered or refused, how long they take, and which limits they hit. */
import { z } from "zod";
import { COUNTER, REFUSALS_AT, REQUESTS_AT } from "../../model/counters.ts";
import { REFUSAL_REASONS } from "../../model/refusals.ts";
import {
  LATENCY_BUCKETS,
  latencyAt,
  REQUEST_FAMILIES,
  REQUEST_KINDS,
  REQUEST_OUTCOMES,
  requestCountAt,
  TIMED_EVERY,
} from "../../model/request-counts.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel, Warning } from "../panel.ts";
import { type Rates, REQUEST_WINDOW, TRAFFIC_WINDOW } from "../rates.ts";
import type { Totals } from "../readings.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const requestsSchema = z.object({
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
    .describe("Why requests were refused, most frequent first."),
  limits: z
    .array(z.object({ limit: z.string(), count }))
    .describe("Limits that were reached, and how often."),
});

type Reading = z.output<typeof requestsSchema>;

/** Shows requests. */
export function requestsPanel(rates: Rates): Panel<typeof requestsSchema> {
  return {
    schema: requestsSchema,
    read: (totals) => readRequests(totals, rates),
    metrics: (_, totals) => [...requestMetrics(totals), ...limitMetrics(totals)],
    warnings: () => findWarnings(rates),
  };
}

/** Labels of a count of requests. */
interface RequestLabels {
  readonly protocol: "http" | "udp";
  readonly kind: string;
  readonly family: "ipv4" | "ipv6";
  readonly outcome: string;
}

/** All possible labels, in a fixed order, with the index of their count in {@link Totals.counters}. */
const REQUEST_COUNTS: readonly { readonly labels: RequestLabels; readonly at: number }[] =
  REQUEST_KINDS.flatMap(({ protocol, kind }, k) =>
    REQUEST_FAMILIES.flatMap((family, f) =>
      REQUEST_OUTCOMES.map((outcome, o) => ({
        labels: { protocol, kind, family, outcome },
        at: REQUESTS_AT + requestCountAt(k, f, o),
      })),
    ),
  ).filter(({ labels: { protocol, outcome } }) => protocol === "udp" || outcome !== "unconnected");

/** Reasons for refusals, with the index of their count in {@link Totals.counters}. */
const REFUSAL_COUNTS = REFUSAL_REASONS.map((reason, i) => ({ ...reason, at: REFUSALS_AT + i }));

/** Limits by the key that sets them, or by the table that is full, with the index of their count. */
const LIMITS = [
  { limit: "max_peers", at: COUNTER.peersRefused },
  { limit: "max_peers_per_address", at: COUNTER.addressPeersRefused },
  { limit: "peers_displaced", at: COUNTER.peersDisplaced },
  { limit: "max_connections", at: COUNTER.connectionsRefused },
  { limit: "max_connections_per_address", at: COUNTER.connectionsOverShare },
  { limit: "idle_connections", at: COUNTER.connectionsDisplaced },
  { limit: "open_files", at: COUNTER.acceptFailures },
  { limit: "request_timeout", at: COUNTER.connectionsTimedOut },
  { limit: "datagram_replies", at: COUNTER.datagramsDropped },
  { limit: "traffic_table", at: COUNTER.trafficUncounted },
  { limit: "max_waiting", at: COUNTER.waitsRefused },
] as const;

/** How long requests of one kind took. */
interface Latency {
  readonly protocol: string;
  readonly kind: string;
  /** Bucket i counts requests that took more than 2^(i-1) and up to 2^i microseconds; the last, all that took longer. */
  readonly buckets: Float64Array;
  readonly sumSeconds: number;
}

function latencies({ counters }: Totals): Latency[] {
  return REQUEST_KINDS.map(({ protocol, kind }, k) => {
    const at = REQUESTS_AT + latencyAt(k);
    return {
      protocol,
      kind,
      buckets: counters.subarray(at, at + LATENCY_BUCKETS),
      sumSeconds: counters[at + LATENCY_BUCKETS],
    };
  });
}

function readRequests(totals: Totals, rates: Rates): Reading {
  const { counters } = totals;
  const perSecond = rates.within(REQUEST_WINDOW);
  const requests = REQUEST_COUNTS.map(({ labels, at }) => ({
    ...labels,
    count: counters[at],
    perSecond: perSecond((then) => then.counters[at]),
  })).filter(({ count }) => count > 0);
  return {
    requests,
    requestsPerSecond: requests.reduce((sum, request) => sum + request.perSecond, 0),
    refusals: readRefusals(totals, rates),
    limits: LIMITS.map(({ limit, at }) => ({ limit, count: counters[at] })).filter(({ count }) => count > 0),
  };
}

function readRefusals({ counters }: Totals, rates: Rates): Reading["refusals"] {
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

function requestMetrics(totals: Totals): Metric[] {
  const bounds = Array.from({ length: LATENCY_BUCKETS - 1 }, (_, i) => 2 ** i / 1e6);
  return [
    counter(
      "btrt_requests_total",
      "Requests, by kind and outcome. refused: the client got a failure reason; malformed: not a request that the " +
        "tracker serves; unconnected: over UDP, without a valid connection id.",
      ...REQUEST_COUNTS.map(({ labels, at }) => ({ labels: { ...labels }, value: totals.counters[at] })),
    ),
    counter(
      "btrt_refusals_total",
      "Refused and malformed requests, by reason.",
      ...REFUSAL_COUNTS.map(({ name, at }) => ({ labels: { reason: name }, value: totals.counters[at] })),
    ),
    {
      name: "btrt_request_duration_seconds",
      help: `Time from a request to its reply. One request in ${TIMED_EVERY} is measured.`,
      type: "histogram",
      samples: latencies(totals).map(({ protocol, kind, buckets, sumSeconds }) => ({
        labels: { protocol, kind },
        bounds,
        buckets,
        sum: sumSeconds,
      })),
    },
  ];
}

function limitMetrics({ counters }: Totals): Metric[] {
  return [
    counter(
      "btrt_limits_hit_total",
      "Requests, peers and connections that were refused, dropped or not counted, by the limit that was reached.",
      ...LIMITS.map(({ limit, at }) => ({ labels: { limit }, value: counters[at] })),
    ),
    counter("btrt_waits_total", "Announces that waited for an upstream tracker or a neighbor.", {
      value: counters[COUNTER.waits],
    }),
    counter("btrt_polls_total", "Announces of other trackers, which ask for peers.", {
      value: counters[COUNTER.polls],
    }),
    counter("btrt_connections_accepted_total", "Accepted connections.", {
      value: counters[COUNTER.connectionsAccepted],
    }),
    gauge("btrt_connections", "Open connections.", {
      value: counters[COUNTER.connectionsAccepted] - counters[COUNTER.connectionsClosed],
    }),
  ];
}

function findWarnings(rates: Rates): Warning[] {
  const perSecond = rates.within(TRAFFIC_WINDOW);
  return [
    {
      at: COUNTER.connectionsRefused,
      text: "Connections are refused: there are too many. Raise listen.max_connections.",
    },
    {
      at: COUNTER.acceptFailures,
      text: "Connections cannot be accepted: there are no file descriptors left. Raise LimitNOFILE.",
    },
  ]
    .filter(({ at }) => perSecond(({ counters }) => counters[at]) > 0)
    .map(({ text }) => ({ isUrgent: true, text }));
}
