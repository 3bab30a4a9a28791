/** The gate: what is gated and closed. */
import { z } from "zod";
import type { Gate } from "../../gate/gate.ts";
import type { ReportedCounts } from "../../gate/router-reports.ts";
import { COUNTER } from "../../model/counters.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import { GATE_CONNECTIONS, gateDirectionSchema, gateReasonSchema } from "../gate-counts.ts";
import type { Panel, Warning } from "../panel.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const gateSchema = z.object({
  gate: z
    .object({
      torrents: count.describe("Torrents that are gated, once for each home."),
      refused: count.describe("Pairs of a subscriber's address and a torrent whose handshakes are refused."),
      closed: count.describe("Subscribers' endpoints that are closed in one of their torrents."),
      hosts: count.describe("Subscribers' addresses with a closed endpoint."),
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
      estimated: z
        .boolean()
        .describe(
          "Whether all routers refuse now, so that the estimate of avoided traffic counts what they refuse.",
        ),
      unestimated: count.describe(
        "Refused pairs that the estimate left out, as there was no room to note them.",
      ),
      refusals: z
        .array(
          z.object({
            reason: gateReasonSchema,
            direction: gateDirectionSchema,
            seen: count,
            refused: count,
            onlyCounted: count.describe(
              "Connections that would have been refused, by routers that only count.",
            ),
          }),
        )
        .describe("What the routers have counted, since their followers started."),
      exempted: count.describe(
        "Times that a router has exempted a subscriber: its client insists on encryption.",
      ),
      exemptFull: count.describe("Times that a router had no room for that."),
      routers: z
        .array(
          z.object({
            router: z.string(),
            version: count.describe("The version of the lists that it has."),
            countOnly: z.boolean().describe("It refuses nothing."),
            reportedAt: z.iso.datetime(),
            isStale: z.boolean().describe("It has not reported for a minute."),
          }),
        )
        .describe("The routers that have reported within a day."),
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
    warnings: ({ gate }) => (gate === null ? [] : findWarnings(gate)),
  };
}

function readGate(gate: Gate | undefined, tasksDropped: number): Reading["gate"] {
  if (gate === undefined) return null;
  const { lists, left, pending, times, watch } = gate;
  const { tables, counts } = watch;
  const counted = gate.routers.totals();
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
    estimated: gate.estimate.isOn,
    unestimated: gate.estimate.leftOut,
    refusals: refusalsOf(counted),
    exempted: counted.refusing.exempted + counted.counting.exempted,
    exemptFull: counted.refusing.exemptFull + counted.counting.exemptFull,
    routers: gate.routers.routers(Date.now()).map((router) => ({
      ...router,
      reportedAt: new Date(router.reportedAt).toISOString(),
    })),
    version: lists.version,
    roundSeconds: times.roundMs / 1000,
    workSeconds: times.roundWorkMs / 1000,
    scanSeconds: times.scanWorkMs / 1000,
  };
}

function refusalsOf({ refusing, counting }: ReportedCounts): NonNullable<Reading["gate"]>["refusals"] {
  return GATE_CONNECTIONS.map(({ reason, direction, seen, refused }) => ({
    reason,
    direction,
    seen: refusing[seen] + counting[seen],
    refused: refusing[refused],
    onlyCounted: counting[refused],
  }));
}

function findWarnings({ routers, closed }: NonNullable<Reading["gate"]>): Warning[] {
  const stale = routers.filter(({ isStale }) => isStale);
  const unused = "The gate is on, and no router follows it: nothing is refused. See docs/gate.md.";
  return [
    ...(routers.length === 0 && closed > 0 ? [{ isUrgent: false, text: unused }] : []),
    ...stale.map(({ router, reportedAt }) => ({
      isUrgent: false,
      text: `The router ${router} has not reported to the gate since ${reportedAt}.`,
    })),
  ];
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
    counter(
      "btrt_gate_connections_total",
      "Handshakes and new connections across the border that the gate's rules have looked at, as routers count them.",
      ...gate.refusals.map(({ reason, direction, seen }) => ({ labels: { reason, direction }, value: seen })),
    ),
    counter(
      "btrt_gate_connections_refused_total",
      "Those of them that were refused.",
      ...gate.refusals.map(({ reason, direction, refused }) => ({
        labels: { reason, direction },
        value: refused,
      })),
    ),
    counter(
      "btrt_gate_connections_only_counted_total",
      "Those that would have been refused, by routers with --count-only.",
      ...gate.refusals.map(({ reason, direction, onlyCounted }) => ({
        labels: { reason, direction },
        value: onlyCounted,
      })),
    ),
    counter("btrt_gate_exempted_total", "Times that a router has exempted a subscriber.", {
      value: gate.exempted,
    }),
    counter("btrt_gate_exempt_full_total", "Times that a router had no room to exempt a subscriber.", {
      value: gate.exemptFull,
    }),
    gauge("btrt_gate_followers", "Routers that follow the lists.", { value: gate.followers }),
    ...routerMetrics(gate),
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

function routerMetrics({ version, routers, estimated, unestimated }: NonNullable<Reading["gate"]>): Metric[] {
  const each = (read: (of: (typeof routers)[number]) => number) =>
    routers.map((of) => ({ labels: { router: of.router }, value: read(of) }));
  return [
    gauge("btrt_gate_lists_version", "The version of the lists. It begins at 0 with the tracker.", {
      value: version,
    }),
    gauge(
      "btrt_gate_router_lists_version",
      "The version of the lists that a router had at its last report. Routers report every ten seconds.",
      ...each((of) => of.version),
    ),
    gauge(
      "btrt_gate_router_report_timestamp_seconds",
      "When a router has reported last. Routers that have not for a day are left out.",
      ...each(({ reportedAt }) => Date.parse(reportedAt) / 1000),
    ),
    gauge(
      "btrt_gate_router_count_only",
      "1 if a router only counts, else 0.",
      ...each(({ countOnly }) => (countOnly ? 1 : 0)),
    ),
    gauge("btrt_gate_estimated", "1 if the estimate of avoided traffic counts what routers refuse.", {
      value: Number(estimated),
    }),
    counter("btrt_gate_unestimated_total", "Refused pairs that the estimate left out, for want of room.", {
      value: unestimated,
    }),
  ];
}
