/** Neighbors: the requests to trackers of partner networks, and their answers. */
import { z } from "zod";
import { COUNTER, LEARNED_RETURNED_AT } from "../../model/counters.ts";
import { exampleUrl } from "../../neighbors/announce-template.ts";
import type { Neighbor } from "../../neighbors/neighbor.ts";
import { counter, gauge, type Metric, type Sample } from "../exposition.ts";
import type { Panel } from "../panel.ts";
import { shareOf } from "../readings.ts";
import { ASKING, askingSchema, kindsOf, namedPeersSchema } from "./other-trackers.ts";

const count = z.number().nonnegative();

/** The share of all returned peers above which a neighbor decides what clients get. */
const MOST = 0.5;

/** The panel's fields. */
export const neighborsSchema = z.object({
  neighbors: z.array(
    z.object({
      name: z.string(),
      url: z.string().describe("Scheme, host and port."),
      state: askingSchema,
      until: z.iso.datetime().nullable().describe("When it is tried again."),
      lastFailure: z.string().nullable(),
      asked: count.describe("Torrents about which it was asked."),
      answered: count,
      refused: count.describe("Replies with a failure reason."),
      failed: count.describe("No reply, or an invalid one."),
      inFlight: count.describe("Requests in progress."),
      waiting: count.describe("Torrents in its refresh queue."),
      dropped: count.describe("Torrents dropped from its full refresh queue."),
      latencySeconds: z.number().describe("The moving average of its latency."),
      peers: namedPeersSchema,
      returned: count.describe("Returned peers since the start that were learned from it."),
      returnedShare: z.number().nullable().describe("Their share of all returned peers."),
      dominates: z.boolean().describe("Whether they are more than half of all returned peers."),
    }),
  ),
});

/** One neighbor. */
export type NeighborStatus = z.output<typeof neighborsSchema>["neighbors"][number];

/** Shows neighbors. */
export function neighborsPanel(shown: { readonly all: readonly Neighbor[] }): Panel<typeof neighborsSchema> {
  return {
    schema: neighborsSchema,
    read: ({ counters }) => ({ neighbors: shown.all.map((neighbor) => readNeighbor(neighbor, counters)) }),
    metrics: ({ neighbors }) => [...neighborMetrics(neighbors), latencyMetric(shown.all)],
    warnings: ({ neighbors }) =>
      neighbors
        .filter(({ state }) => state !== "asked")
        .map(({ name, lastFailure }) => ({
          isUrgent: false,
          text: `The neighbor "${name}" does not answer (${lastFailure}): its peers are not learned.`,
        })),
  };
}

function readNeighbor(neighbor: Neighbor, counters: Float64Array): NeighborStatus {
  const { settings, source, counts, lastFailure, inFlight, waiting, dropped, openUntilMs } = neighbor;
  const { asked, answered, refused, failed, named, learned, filtered } = counts;
  const { protocol, host } = new URL(exampleUrl(settings.template));
  const returned = counters[LEARNED_RETURNED_AT + source];
  const returnedShare = shareOf(returned, counters[COUNTER.peersReturned]);
  return {
    name: settings.name,
    // The rest of the URL may hold a secret.
    url: `${protocol}//${host}`,
    state: ASKING[neighbor.state],
    until: openUntilMs === 0 ? null : new Date(openUntilMs).toISOString(),
    lastFailure,
    asked,
    answered,
    refused,
    failed,
    dropped,
    inFlight,
    waiting,
    latencySeconds: counts.latencyMs / 1000,
    peers: {
      named,
      learned: learned.added,
      renewed: learned.renewed,
      announced: learned.announced,
      refused: learned.refused + filtered.beyond,
      trackers: filtered.own,
      private: filtered.private,
      unusable: learned.unusable,
    },
    returned,
    returnedShare,
    dominates: returnedShare !== null && returnedShare > MOST,
  };
}

function neighborMetrics(neighbors: readonly NeighborStatus[]): Metric[] {
  const each = (read: (neighbor: NeighborStatus) => number): Sample[] =>
    neighbors.map((neighbor) => ({ labels: { neighbor: neighbor.name }, value: read(neighbor) }));
  const eachBy = (label: string, read: (neighbor: NeighborStatus) => Readonly<Record<string, number>>) =>
    neighbors.flatMap((neighbor) =>
      Object.entries(read(neighbor)).map(([key, value]) => ({
        labels: { neighbor: neighbor.name, [label]: key },
        value,
      })),
    );
  return [
    gauge(
      "btrt_neighbor_asked",
      "1 while the neighbor is asked, 0 while it is backing off or probed after failures.",
      ...each(({ state }) => (state === "asked" ? 1 : 0)),
    ),
    counter(
      "btrt_neighbor_requests_total",
      "Torrents about which a neighbor was asked, by outcome. dropped: the refresh queue was full.",
      ...eachBy("outcome", ({ answered, refused, failed, dropped }) => ({
        answered: answered - refused,
        refused,
        failed,
        dropped,
      })),
    ),
    gauge(
      "btrt_neighbor_waiting",
      "Torrents in the refresh queue of a neighbor.",
      ...each(({ waiting }) => waiting),
    ),
    counter(
      "btrt_neighbor_peers_total",
      "Peers in the replies of a neighbor, by what the store did with them.",
      ...eachBy("kind", ({ peers }) => kindsOf(peers)),
    ),
    counter(
      "btrt_neighbor_peers_returned_total",
      "Returned peers that were learned from a neighbor.",
      ...each(({ returned }) => returned),
    ),
  ];
}

/** The sum of latencies, for averages in Prometheus. The status only has the average. */
function latencyMetric(neighbors: readonly Neighbor[]): Metric {
  return counter(
    "btrt_neighbor_answer_seconds_total",
    "The sum of the latencies of a neighbor's replies.",
    ...neighbors.map(({ settings, counts }) => ({
      labels: { neighbor: settings.name },
      value: counts.latencySumMs / 1000,
    })),
  );
}
