/** The status of the tracker, for `btrt status` and the page. It is composed of panels. */
import { z } from "zod";
import { clusterSchema } from "./cluster/cluster-schema.ts";
import type { Metric } from "./exposition.ts";
import type { Panel } from "./panel.ts";
import { alertsSchema } from "./panels/alerts-panel.ts";
import { databaseSchema } from "./panels/database-panel.ts";
import { forwardingSchema } from "./panels/forwarding-panel.ts";
import { gateSchema } from "./panels/gate-panel.ts";
import { hashListSchema } from "./panels/hash-list-panel.ts";
import { localityPanel, localitySchema } from "./panels/locality-panel.ts";
import { neighborsSchema } from "./panels/neighbors-panel.ts";
import { patienceSchema } from "./panels/patience-panel.ts";
import { prefixSourcesSchema } from "./panels/prefix-sources-panel.ts";
import { programPanel, programSchema } from "./panels/program-panel.ts";
import { requestsPanel, requestsSchema } from "./panels/requests-panel.ts";
import { storePanel, storeSchema } from "./panels/store-panel.ts";
import type { Rates } from "./rates.ts";
import type { Totals } from "./readings.ts";
import type { Sources } from "./sources.ts";

/** The answer of `/api/v1/status`: the fields of all panels. A new panel is a line here. */
export const statusSchema = z.object({
  ...programSchema.shape,
  ...storeSchema.shape,
  ...requestsSchema.shape,
  ...localitySchema.shape,
  ...databaseSchema.shape,
  ...hashListSchema.shape,
  ...gateSchema.shape,
  ...clusterSchema.shape,
  ...neighborsSchema.shape,
  ...forwardingSchema.shape,
  ...patienceSchema.shape,
  ...alertsSchema.shape,
  ...prefixSourcesSchema.shape,
  warnings: z.array(z.string()).describe("Problems that need the operator."),
});

/** See {@link statusSchema}. */
export type Status = z.output<typeof statusSchema>;

/** The panels that need no feature. */
export function trackerPanels(sources: Sources, rates: Rates): Panel[] {
  return [
    storePanel(sources, rates),
    requestsPanel(rates),
    programPanel(sources),
    localityPanel(sources, rates),
  ];
}

/**
 * Reads the status, see {@link statusSchema}.
 * @param panels in the order of their warnings.
 * @param notices more warnings, which come last.
 */
export function readStatus(panels: readonly Panel[], totals: Totals, notices: readonly string[]): Status {
  const readings = panels.map((panel) => panel.read(totals));
  const warnings = panels.flatMap((panel, i) => panel.warnings(readings[i]));
  const textsOf = (isUrgent: boolean) =>
    warnings.filter((warning) => warning.isUrgent === isUrgent).map(({ text }) => text);
  return Object.assign({}, ...readings, { warnings: [...textsOf(true), ...textsOf(false), ...notices] });
}

/** Reads all metrics of the tracker. Takes no longer with more swarms. */
export function readMetrics(panels: readonly Panel[], totals: Totals): Metric[] {
  return panels.flatMap((panel) => panel.metrics(panel.read(totals), totals));
}
