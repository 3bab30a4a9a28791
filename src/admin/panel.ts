/**
 * A panel defines the figures of one part of the tracker once. The status, its OpenAPI description, the Prometheus metrics,
 * the page and the terminal output are derived from it.
 */
import type { z } from "zod";
import type { Metric } from "./exposition.ts";
import type { Totals } from "./readings.ts";

/** A problem for the operator, in a sentence. */
export interface Warning {
  /** Whether the problem affects clients, swarms or traffic. Such warnings come first. */
  readonly isUrgent: boolean;
  readonly text: string;
}

/** A section of the status. */
export interface Panel<Schema extends z.ZodObject = z.ZodObject> {
  /** Describes the fields that the panel adds to the status. Also listed in status.ts. */
  readonly schema: Schema;
  /** Reads these fields. @param totals the summed counters of all workers. */
  read(totals: Totals): z.output<Schema>;
  /** Makes the metrics of a reading. */
  metrics(reading: z.output<Schema>, totals: Totals): Metric[];
  /** Finds problems for the operator. */
  warnings(reading: z.output<Schema>): Warning[];
}
