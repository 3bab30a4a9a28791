/**
 * A panel is what one part of the tracker shows to its operator. It defines each figure once: the status, its OpenAPI
 * description, Prometheus, the page and the terminal are made from it.
 */
import type { z } from "zod";
import type { Metric } from "./exposition.ts";
import type { Totals } from "./readings.ts";

/** What a person should look at, in a sentence. */
export interface Warning {
  /** Whether clients, swarms or traffic suffer from it. Such warnings are shown first. */
  readonly isUrgent: boolean;
  readonly text: string;
}

/** One part of what the admin listener shows. */
export interface Panel<Schema extends z.ZodObject = z.ZodObject> {
  /** Describes the fields that the panel adds to the status. Also listed in status.ts. */
  readonly schema: Schema;
  /** Reads these fields. @param totals what all workers have counted. */
  read(totals: Totals): z.output<Schema>;
  /** Makes the metrics of a reading. */
  metrics(reading: z.output<Schema>, totals: Totals): Metric[];
  /** Finds what a person should look at. */
  warnings(reading: z.output<Schema>): Warning[];
}
