/** The report of a router's follower to the tracker: `POST /api/v1/gate/report`, every ten seconds, as JSON. */
import { z } from "zod";
import { GATE_CONNECTION_COUNTS } from "../store/group-activity.ts";
import { GATE_LIMITS } from "./protocol.ts";

/**
 * The router's counters. `seen`: handshakes across the border, and new connections that met a closed endpoint or a far
 * one. `refused`: those of them that were refused (with `--count-only`: that would have been); a TCP connection by its first
 * payload, unless that is a handshake, which counts as one. Out: sent by a subscriber. `exempted`: times that a subscriber
 * was exempted, whose client insists on encryption. `exemptFull`: times that there was no place for that.
 */
export const GATE_COUNTERS = [...GATE_CONNECTION_COUNTS, "exempted", "exemptFull"] as const;

/** The name of a counter. */
type GateCounter = (typeof GATE_COUNTERS)[number];

/** Counts of 0. */
export function noCounts(): Record<GateCounter, number> {
  return Object.fromEntries(GATE_COUNTERS.map((name) => [name, 0])) as Record<GateCounter, number>;
}

/** Packets by counter. */
export type GateCounts = Readonly<Record<GateCounter, number>>;

const count = z.int().min(0);

/** A report. */
export const gateReportSchema = z.object({
  /** 16 hexadecimal digits that name this start of the follower. */
  follower: z.string().regex(/^[0-9a-f]{16}$/),
  /** 16 hexadecimal digits that name the machine, as two routers may have one host name. Absent if it has no machine id. */
  machine: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  /** The router's host name, for people. */
  router: z.string().min(1).max(GATE_LIMITS.nameLength),
  /** The version of the lists that the router has. */
  version: count,
  /** Whether it only counts. */
  countOnly: z.boolean(),
  /** Totals since the start of the follower: a report that is lost is made up for by the next one. */
  counters: z.record(z.enum(GATE_COUNTERS), count),
});

/** A report of a router. */
export type GateReport = z.output<typeof gateReportSchema>;
