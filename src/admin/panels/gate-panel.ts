/** The gate: what is gated and closed. */
import { z } from "zod";
import type { Gate } from "../../gate/gate.ts";
import { COUNTER } from "../../model/counters.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel } from "../panel.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const gateSchema = z.object({
  gate: z
    .object({
      torrents: count.describe("Torrents that are gated, once for each home."),
      refused: count.describe("Pairs of a subscriber's address and a torrent whose handshakes are refused."),
      closed: count.describe("Subscribers' endpoints that are closed in all of their torrents."),
      hosts: count.describe("Subscribers' addresses all of whose endpoints are closed."),
      far: count.describe("Outside endpoints all of whose torrents are gated."),
      leftOut: count.describe("Torrents that could be gated, too, beyond the limits."),
      excluded: count.describe("Torrents that could be gated, too, in the file of gate.exclude."),
      large: count.describe("Torrents with too many peers to be looked at."),
      failed: count.describe(
        "Gated torrents that were opened since their home lost its source, or got nothing.",
      ),
      rescued: count.describe("Times that a subscriber was opened since the download got nothing."),
      droppedTasks: count.describe("Changed torrents that were not looked at at once, but by a round."),
      followers: count.describe("Routers that follow the lists."),
      cutOff: count.describe("Followers that were cut off since they did not read."),
      version: count.describe("The version of the lists."),
      roundSeconds: z.number().describe("How long the last round over all gated torrents took."),
      workSeconds: z.number().describe("The work in it."),
      scanSeconds: z.number().describe("The work in the last scan of all torrents."),
    })
    .nullable()
    .describe("Null: it is off."),
});

type Reading = z.output<typeof gateSchema>;

/** Shows the gate. */
export function gatePanel(current: () => Gate | undefined): Panel<typeof gateSchema> {
  return {
    schema: gateSchema,
    read: ({ counters }) => ({ gate: readGate(current(), counters[COUNTER.gateTasksDropped]) }),
    metrics: ({ gate }) => (gate === null ? [] : gateMetrics(gate)),
    warnings: () => [],
  };
}

function readGate(gate: Gate | undefined, tasksDropped: number): Reading["gate"] {
  if (gate === undefined) return null;
  const { lists, left, pending, times, watch } = gate;
  const { tables, counts } = watch;
  return {
    torrents: tables.gated,
    ...tables.sizes,
    leftOut: left.out,
    excluded: left.excluded,
    large: left.large,
    failed: counts.failed,
    rescued: counts.rescued,
    droppedTasks: tasksDropped + pending.dropped,
    followers: lists.followers,
    cutOff: lists.cutOff,
    version: lists.version,
    roundSeconds: times.roundMs / 1000,
    workSeconds: times.roundWorkMs / 1000,
    scanSeconds: times.scanWorkMs / 1000,
  };
}

function gateMetrics(gate: NonNullable<Reading["gate"]>): Metric[] {
  return [
    gauge("btrt_gate_torrents", "Torrents that are gated, once for each home.", { value: gate.torrents }),
    gauge(
      "btrt_gate_elements",
      "Elements of the gate's lists.",
      ...(["refused", "closed", "hosts", "far"] as const).map((list) => ({
        labels: { list },
        value: gate[list],
      })),
    ),
    gauge(
      "btrt_gate_left_out_torrents",
      "Torrents that could be gated, and are not, by why.",
      { labels: { reason: "limits" }, value: gate.leftOut },
      { labels: { reason: "exclude" }, value: gate.excluded },
      { labels: { reason: "large" }, value: gate.large },
    ),
    counter("btrt_gate_failed_total", "Gated torrents that were opened since their home lost its source.", {
      value: gate.failed,
    }),
    counter("btrt_gate_rescued_total", "Times that a subscriber was opened since the download got nothing.", {
      value: gate.rescued,
    }),
    counter("btrt_gate_tasks_dropped_total", "Changed torrents that were not looked at at once.", {
      value: gate.droppedTasks,
    }),
    gauge("btrt_gate_followers", "Routers that follow the lists.", { value: gate.followers }),
    counter("btrt_gate_followers_cut_off_total", "Followers that did not read.", { value: gate.cutOff }),
    gauge("btrt_gate_round_duration_seconds", "How long the last round over all gated torrents took.", {
      value: gate.roundSeconds,
    }),
    gauge("btrt_gate_work_seconds", "The work in it.", { value: gate.workSeconds }),
    gauge("btrt_gate_scan_work_seconds", "The work in the last scan of all torrents.", {
      value: gate.scanSeconds,
    }),
  ];
}
