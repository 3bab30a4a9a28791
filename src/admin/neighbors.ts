/** What has come of asking partners' trackers, for status and metrics. */
import { z } from "zod";
import { COUNTER, LEARNED_GIVEN_AT } from "../model/counters.ts";
import type { Metric } from "./exposition.ts";
import { kindsOf, namedPeersSchema } from "./named-peers.ts";
import { shareOf, type Totals } from "./readings.ts";
import { ASKING, type NeighborState, type Sources } from "./sources.ts";

const count = z.number().nonnegative();

/** A neighbor, as `/api/v1/status` shows it. */
export const neighborSchema = z.object({
  name: z.string(),
  url: z.string().describe("Scheme, host and port."),
  state: z.enum(Object.values(ASKING)).describe("Left alone: it failed, and is tried again later."),
  until: z.iso.datetime().nullable().describe("When it is tried again."),
  lastFailure: z.string().nullable(),
  asked: count.describe("Torrents it was asked about."),
  answered: count,
  refused: count.describe("Answers with a failure reason."),
  failed: count.describe("No answers, or none that could be understood."),
  inFlight: count.describe("Requests under way."),
  waiting: count.describe("Torrents that it is still to be asked about."),
  dropped: count.describe("Torrents that it was to be asked about and there was no time for."),
  latencySeconds: z.number().describe("How long its answers take, of late."),
  peers: namedPeersSchema,
  given: count.describe("Peers given in answers since the start that it has named."),
  givenShare: z.number().nullable().describe("Their share in all peers given."),
});

/** It. */
export type NeighborStatus = z.output<typeof neighborSchema>;

/** Reads how all of them do. */
export function readNeighbors(sources: Pick<Sources, "neighbors">, { counters }: Totals): NeighborStatus[] {
  return sources.neighbors().map((neighbor) => {
    const { name, url, state, until, lastFailure, inFlight, waiting, requests, peers } = neighbor;
    const given = givenOf(neighbor, counters);
    return {
      name,
      url,
      state: ASKING[state],
      until: until === 0 ? null : new Date(until).toISOString(),
      lastFailure,
      ...requests,
      inFlight,
      waiting,
      latencySeconds: neighbor.latencyMs / 1000,
      peers: { ...peers },
      given,
      givenShare: shareOf(given, counters[COUNTER.peersGiven]),
    };
  });
}

/** The same for Prometheus. */
export function neighborMetrics(sources: Pick<Sources, "neighbors">, { counters }: Totals): Metric[] {
  const neighbors = sources.neighbors();
  const metric = (
    type: "gauge" | "counter",
    name: string,
    help: string,
    read: (neighbor: NeighborState) => Readonly<Record<string, number>>,
    label?: string,
  ): Metric => ({
    name,
    help,
    type,
    samples: neighbors.flatMap((neighbor) =>
      Object.entries(read(neighbor)).map(([key, value]) => ({
        labels: { neighbor: neighbor.name, ...(label === undefined ? {} : { [label]: key }) },
        value,
      })),
    ),
  });
  return [
    metric(
      "gauge",
      "btrt_neighbor_asked",
      "1 while the neighbor is asked, 0 while it is left alone.",
      (n) => ({
        asked: n.state === "closed" ? 1 : 0,
      }),
    ),
    metric(
      "counter",
      "btrt_neighbor_requests_total",
      "Torrents a neighbor was asked about, by outcome; dropped: there was no time for them.",
      ({ requests: { asked: _, answered, refused, ...others } }) => ({
        answered: answered - refused,
        refused,
        ...others,
      }),
      "outcome",
    ),
    metric("gauge", "btrt_neighbor_waiting", "Torrents that a neighbor is still to be asked about.", (n) => ({
      waiting: n.waiting,
    })),
    metric(
      "counter",
      "btrt_neighbor_peers_total",
      "Peers that a neighbor has named, by what became of them.",
      ({ peers }) => kindsOf(peers),
      "kind",
    ),
    metric("counter", "btrt_neighbor_peers_given_total", "Peers given that a neighbor has named.", (n) => ({
      given: givenOf(n, counters),
    })),
    metric(
      "counter",
      "btrt_neighbor_answer_seconds_total",
      "Time that a neighbor's answers took, all together.",
      (n) => ({ seconds: n.latencySumMs / 1000 }),
    ),
  ];
}

function givenOf({ source }: NeighborState, counters: Float64Array): number {
  return counters[LEARNED_GIVEN_AT + source];
}
