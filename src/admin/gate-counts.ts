/** What the gate has done in a span of time, from the totals in the database. */
import { z } from "zod";
import { ACTIVITY_WIDTH, gateAt } from "../store/group-activity.ts";

/** Connections are counted by reason and direction. Each has two counters, with the names of gate/report.ts. */
export const GATE_CONNECTIONS = [
  { reason: "handshake", direction: "out", seen: "seenHandshakeOut", refused: "refusedHandshakeOut" },
  { reason: "handshake", direction: "in", seen: "seenHandshakeIn", refused: "refusedHandshakeIn" },
  { reason: "endpoint", direction: "out", seen: "seenEndpointOut", refused: "refusedEndpointOut" },
  { reason: "endpoint", direction: "in", seen: "seenEndpointIn", refused: "refusedEndpointIn" },
  { reason: "far", direction: "out", seen: "seenFarOut", refused: "refusedFarOut" },
] as const;

const count = z.number();

/** Why connections are refused. */
export const gateReasonSchema = z
  .enum(["handshake", "endpoint", "far"])
  .describe(
    "handshake: it names a gated torrent. endpoint: to a closed endpoint, or by uTP from it. far: to an outside endpoint " +
      "all of whose torrents are gated.",
  );

/** The direction of a connection. */
export const gateDirectionSchema = z.enum(["out", "in"]).describe("out: sent by a subscriber.");

/** Counts of a span of time. */
export const gateCountsSchema = z.object({
  torrents: count.describe(
    "Gated torrents, once for each home: the average of the time for which the gate was on.",
  ),
  endpoints: count.describe("Subscribers' closed endpoints: the average of that time."),
  connections: z.array(
    z.object({
      reason: gateReasonSchema,
      direction: gateDirectionSchema,
      seen: count,
      refused: count,
    }),
  ),
  refused: count.describe("Refused connections of all reasons."),
  onlyCounted: count.describe("Connections that would have been refused, by routers that only count."),
  exempted: count.describe(
    "Times that a router has exempted a subscriber: its client insists on encryption.",
  ),
});

/** See {@link gateCountsSchema}. */
export type GateSpan = z.output<typeof gateCountsSchema>;

/** Adds up rows of totals (store/group-activity.ts). @returns null: the gate was off. */
export function sumGate(rows: Iterable<readonly number[]>): GateSpan | null {
  const sum = new Float64Array(ACTIVITY_WIDTH);
  for (const counts of rows) for (const [i, each] of counts.entries()) sum[i] += each;
  const seconds = sum[gateAt("seconds")];
  const connections = GATE_CONNECTIONS.map(({ reason, direction, seen, refused }) => ({
    reason,
    direction,
    seen: sum[gateAt(seen)],
    refused: sum[gateAt(refused)],
  }));
  if (seconds === 0) return null;
  return {
    torrents: sum[gateAt("torrentSeconds")] / seconds,
    endpoints: sum[gateAt("endpointSeconds")] / seconds,
    connections,
    refused: connections.reduce((total, { refused }) => total + refused, 0),
    onlyCounted: sum[gateAt("onlyCounted")],
    exempted: sum[gateAt("exempted")],
  };
}
