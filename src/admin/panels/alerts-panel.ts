/** Alerts: the channels over which warnings are sent. */
import { z } from "zod";
import { type ChannelStatus, failureWarning } from "../../alerts/alerter.ts";
import { counter, gauge } from "../exposition.ts";
import type { Panel } from "../panel.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const alertsSchema = z.object({
  alerts: z.array(
    z.object({
      name: z.enum(["webhook", "mail"]),
      target: z.string().describe("Where alerts go: a host, or addresses."),
      sent: count,
      failed: count.describe("Attempts that failed. What was due is sent later."),
      held: count.describe("Messages that waited for the limit per hour."),
      failure: z.string().nullable().describe("Why alerts cannot be sent now."),
    }),
  ),
});

/** Shows the channels. */
export function alertsPanel(channels: () => readonly ChannelStatus[]): Panel<typeof alertsSchema> {
  return {
    schema: alertsSchema,
    read: () => ({ alerts: [...channels()] }),
    metrics: ({ alerts }) => [
      counter(
        "btrt_alerts_total",
        "Alerts by channel and outcome. held: a message waited for the limit per hour.",
        ...alerts.flatMap(({ name, sent, failed, held }) =>
          Object.entries({ sent, failed, held }).map(([outcome, value]) => ({
            labels: { channel: name, outcome },
            value,
          })),
        ),
      ),
      gauge(
        "btrt_alerts_failing",
        "1 while alerts cannot be sent over a channel, else 0.",
        ...alerts.map(({ name, failure }) => ({
          labels: { channel: name },
          value: failure === null ? 0 : 1,
        })),
      ),
    ],
    warnings: ({ alerts }) =>
      alerts.flatMap((channel) => {
        const text = failureWarning(channel);
        return text === undefined ? [] : [{ isUrgent: false, text }];
      }),
  };
}
