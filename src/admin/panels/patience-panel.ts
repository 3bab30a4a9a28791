/** Patience: how much longer downloads may take because outside peers are limited, and how much longer they take. */
import { z } from "zod";
import { gauge, type Metric } from "../exposition.ts";
import type { Panel } from "../panel.ts";

/** The panel's fields. */
export const patienceSchema = z.object({
  patience: z
    .object({
      wanted: z.number().describe("selection.patience: a download may take this many times as long."),
      measured: z
        .number()
        .nullable()
        .describe(
          "How many times as long limited downloads took as those of a control group, which got all peers. Null until " +
            "each group has enough downloads.",
        ),
      demand: z
        .number()
        .describe(
          "The factor by which the tracker has changed the demand for outside peers since the start.",
        ),
      limited: z.int().nonnegative().describe("Limited downloads since the last change of the demand."),
      control: z.int().nonnegative().describe("Downloads of the control group since then."),
    })
    .nullable()
    .describe("Null if selection.policy limits no outside peers."),
});

/** What is shown of the patience, or null. */
export type ShownPatience = z.output<typeof patienceSchema>["patience"];

/** Shows the patience. */
export function patiencePanel(read: () => ShownPatience): Panel<typeof patienceSchema> {
  return {
    schema: patienceSchema,
    read: () => ({ patience: read() }),
    metrics: ({ patience }) => (patience === null ? [] : patienceMetrics(patience)),
    warnings: () => [],
  };
}

function patienceMetrics(patience: NonNullable<ShownPatience>): Metric[] {
  const { wanted, measured, demand, limited, control } = patience;
  return [
    gauge("btrt_patience_wanted", "How many times as long a download may take (selection.patience).", {
      value: wanted,
    }),
    gauge(
      "btrt_patience_measured",
      "How many times as long limited downloads took as those of the control group. Absent until it is known.",
      ...(measured === null ? [] : [{ value: measured }]),
    ),
    gauge("btrt_patience_demand", "The factor by which the demand for outside peers is changed.", {
      value: demand,
    }),
    gauge(
      "btrt_patience_downloads",
      "Downloads that were compared since the last change of the demand.",
      { labels: { group: "limited" }, value: limited },
      { labels: { group: "control" }, value: control },
    ),
  ];
}
