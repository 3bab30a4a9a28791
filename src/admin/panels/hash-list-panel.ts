/** The hash list, and the handshakes that a router or DPI box counts. */
import { z } from "zod";
import type { HandshakeSource } from "../../hash-list/handshake-sources.ts";
import type { Handshakes } from "../../hash-list/handshakes.ts";
import type { HashListMaker } from "../../hash-list/hash-list-maker.ts";
import { counter, gauge, type Metric, type Sample } from "../exposition.ts";
import type { Panel, Warning } from "../panel.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const hashListSchema = z.object({
  hashList: z.object({
    entries: count.describe("Listed torrents: their connections to the outside can be refused."),
    entered: count.describe("Torrents added since the start."),
    left: count.describe("Torrents removed since the start."),
    stalled: count.describe("Of these: removed because a download inside stalled."),
    leftOut: count.describe("Torrents that qualify, but are beyond hashlist.max_entries."),
    excluded: count.describe("Torrents that qualify, but are in the file of hashlist.exclude."),
    changedAt: z.iso.datetime(),
    checkedAt: z.iso.datetime().nullable(),
    validUntil: z.iso.datetime(),
    scanSeconds: z.number().describe("How long the last scan of all torrents took."),
    workSeconds: z.number().describe("The processor time of that scan."),
    failures: count.describe("Attempts to write the list that failed."),
    dryRun: z.boolean(),
  }),
  handshakes: z
    .array(
      z.object({
        direction: z
          .enum(["out", "in", "any"])
          .describe(
            "out: sent from inside; in: sent from outside; any: counted by a DPI box, which does not report the direction.",
          ),
        seen: count,
        refused: count,
      }),
    )
    .describe(
      "BitTorrent handshakes across the border since the start. Empty if no router or DPI box counts them.",
    ),
  counterFiles: z
    .array(
      z.object({
        by: z.enum(["router", "dpi"]),
        file: z.string(),
        writtenAt: z.iso.datetime().nullable().describe("Null: no counts have been read from it."),
        isStale: z.boolean().describe("Whether it has not been written for half an hour."),
      }),
    )
    .describe("The files with these counts."),
});

type Reading = z.output<typeof hashListSchema>;

/** What the panel reads. */
export interface ShownHashList {
  readonly maker: HashListMaker;
  readonly handshakes: Handshakes;
  /** The files with counts of handshakes. */
  readonly counterFiles: () => readonly CounterFile[];
}

/** A file with counts of handshakes. */
interface CounterFile extends Pick<HandshakeSource, "by" | "file"> {
  /** Milliseconds since 1970; 0: no counts have been read from it. */
  readonly writtenAt: number;
  /** It is no longer written, or it cannot be read. */
  readonly isStale: boolean;
}

/** Shows the hash list. */
export function hashListPanel(shown: ShownHashList): Panel<typeof hashListSchema> {
  return {
    schema: hashListSchema,
    read: () => readHashList(shown),
    metrics: (reading) => [...listMetrics(reading), ...handshakeMetrics(reading)],
    warnings: (reading) => findWarnings(reading, shown.maker.counts.failing),
  };
}

function readHashList({ maker, handshakes, counterFiles }: ShownHashList): Reading {
  const { scanMs, workMs, failing: _, ...counts } = maker.counts;
  const { changedAt, checkedAt, validUntil } = maker.list;
  return {
    hashList: {
      ...counts,
      changedAt: new Date(changedAt).toISOString(),
      checkedAt: checkedAt === 0 ? null : new Date(checkedAt).toISOString(),
      validUntil: new Date(validUntil).toISOString(),
      scanSeconds: scanMs / 1000,
      workSeconds: workMs / 1000,
      dryRun: maker.settings.dryRun,
    },
    handshakes: handshakes.read(),
    counterFiles: counterFiles().map(({ writtenAt, ...file }) => ({
      ...file,
      writtenAt: writtenAt === 0 ? null : new Date(writtenAt).toISOString(),
    })),
  };
}

function listMetrics({ hashList }: Reading): Metric[] {
  return [
    gauge("btrt_hashlist_torrents", "Torrents on the hash list.", { value: hashList.entries }),
    counter("btrt_hashlist_entered_total", "Torrents added to the list.", { value: hashList.entered }),
    counter("btrt_hashlist_left_total", "Torrents removed from the list.", { value: hashList.left }),
    counter("btrt_hashlist_stalled_total", "Torrents removed because a download inside stalled.", {
      value: hashList.stalled,
    }),
    gauge(
      "btrt_hashlist_left_out_torrents",
      "Torrents that qualify, but are not listed, by reason.",
      { labels: { reason: "max_entries" }, value: hashList.leftOut },
      { labels: { reason: "exclude" }, value: hashList.excluded },
    ),
    gauge("btrt_hashlist_scan_duration_seconds", "Duration of the last scan of all torrents.", {
      value: hashList.scanSeconds,
    }),
    gauge("btrt_hashlist_work_seconds", "Processor time of that scan.", { value: hashList.workSeconds }),
    gauge("btrt_hashlist_valid_until_timestamp_seconds", "When the list expires.", {
      value: Date.parse(hashList.validUntil) / 1000,
    }),
    counter("btrt_hashlist_write_failures_total", "Failed attempts to write the list.", {
      value: hashList.failures,
    }),
  ];
}

function handshakeMetrics({ handshakes, counterFiles }: Reading): Metric[] {
  const byDirection = (read: (of: Reading["handshakes"][number]) => number): Sample[] =>
    handshakes.map((of) => ({ labels: { direction: of.direction }, value: read(of) }));
  return [
    counter(
      "btrt_handshakes_total",
      "BitTorrent handshakes across the border, counted by a router or DPI box. out: sent from inside; in: sent " +
        "from outside; any: the direction is not reported.",
      ...byDirection(({ seen }) => seen),
    ),
    counter(
      "btrt_handshakes_refused_total",
      "Refused handshakes: their torrents are fully available inside the network.",
      ...byDirection(({ refused }) => refused),
    ),
    gauge(
      "btrt_handshake_counts_written_timestamp_seconds",
      "When the file with these counts was last written; 0: no counts have been read from it.",
      ...counterFiles.map(({ by, writtenAt }) => ({
        labels: { by },
        value: writtenAt === null ? 0 : Date.parse(writtenAt) / 1000,
      })),
    ),
  ];
}

function findWarnings({ counterFiles }: Reading, isFailing: boolean): Warning[] {
  const failing =
    "The hash list cannot be written. It expires soon, and its readers then refuse nothing. The log has the reason.";
  const stale = counterFiles.filter((file) => file.isStale);
  return [
    ...(isFailing ? [{ isUrgent: true, text: failing }] : []),
    ...stale.map(({ file, writtenAt }) => ({
      isUrgent: false,
      text: `There are no new handshake counts in ${file}${writtenAt === null ? "" : ` since ${writtenAt}`}. Check the program that writes it.`,
    })),
  ];
}
