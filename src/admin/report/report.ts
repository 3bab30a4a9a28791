/** The report of a month: the external traffic that was avoided, and what that is worth. */
import { z } from "zod";
import { gateCountsSchema } from "../gate-counts.ts";

const direction = z.object({
  downloaded: z.number().describe("Bytes that came in."),
  uploaded: z.number().describe("Bytes that went out."),
});

const rate = z
  .number()
  .describe("Mbit/s: the 95th percentile of all five minutes of the month, of the busier direction.");

const peak = z
  .object({
    ordinary: rate,
    external: rate,
    avoided: z.number().describe("The difference. Negative if there was more external traffic."),
  })
  .nullable()
  .describe("Null: the totals of five minutes are not stored any more.");

const line = z.object({
  external: direction.describe("External traffic, as estimated."),
  ordinary: direction.describe("The external traffic that an ordinary tracker would have caused."),
  avoidedBytes: z
    .number()
    .describe("The difference, in and out. Negative if there was more external traffic."),
  avoidedShare: z
    .number()
    .nullable()
    .describe("Its share of an ordinary tracker's; null if that is nothing."),
});

const billed = line.extend({
  peak,
  money: z
    .number()
    .nullable()
    .describe("The avoided peak at report.price_per_mbit; null: no price, or no peak."),
});

const gate = gateCountsSchema
  .nullable()
  .describe("What routers that follow the gate refused; null: it was off.");

/** The answer of `/api/v1/report` as JSON. */
export const reportSchema = z.object({
  version: z.string(),
  hostName: z.string(),
  madeAt: z.iso.datetime(),
  month: z.string(),
  from: z.iso.datetime().nullable().describe("The first five minutes, hour or day with data; null: no data."),
  to: z.iso.datetime().describe("The end of the month, or of the data that is saved."),
  isComplete: z.boolean().describe("Whether the month is over, and its data begins with it."),
  pricePerMbit: z.number().nullable().describe("Of transit, for a Mbit/s and month."),
  currency: z.string(),
  total: billed,
  groups: z
    .array(billed.extend({ group: z.string() }))
    .describe("The largest groups, and the rest together."),
  days: z.array(line.extend({ day: z.string(), gate })),
  months: z.array(line.extend({ month: z.string() })).describe("The twelve months that end with this one."),
  handshakes: z
    .object({ seen: z.number(), refused: z.number() })
    .nullable()
    .describe(
      "BitTorrent handshakes with the outside, as counted by the rules of the hash list or a DPI box.",
    ),
  gate,
  assumptions: z.array(z.string()).describe("What the estimate assumes."),
});

/** See {@link reportSchema}. */
export type Report = z.output<typeof reportSchema>;

/** Traffic, and what of it was avoided. */
export type ReportLine = z.output<typeof line>;

/** What the estimate assumes, for the reader of a report. */
export const ASSUMPTIONS = [
  "All figures about traffic are estimates. They are made from what clients in peer groups report to the tracker.",
  "The external part of a client's traffic is the share of outside peers in the replies that it got.",
  "An ordinary tracker returns peers at random. Its external part is the share of outside peers in the whole torrent.",
  "Traffic with peers that clients know from other sources (DHT, peer exchange, other trackers) is not included.",
  "Clients report when they announce, about every half hour. With few clients the peaks are less exact than the bytes.",
  "Peaks are the 95th percentile of five-minute averages, of the busier direction, as transit is billed.",
  "Months and days are in UTC.",
] as const;
