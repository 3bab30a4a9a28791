/** The hash list, and handshakes that a router or DPI box counts by it. */
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
    entries: count.describe("Torrents listed: those whose connections to the outside can be refused."),
    entered: count.describe("Since the start."),
    left: count,
    stalled: count.describe("Torrents taken off since a download inside stalled."),
    leftOut: count.describe("Torrents that qualify, too, beyond hashlist.max_entries."),
    excluded: count.describe("Torrents that qualify, too, in the file of hashlist.exclude."),
    changedAt: z.iso.datetime(),
    checkedAt: z.iso.datetime().nullable(),
    validUntil: z.iso.datetime(),
    lookSeconds: z.number().describe("How long the last scan of all torrents took."),
    workSeconds: z.number().describe("The processor time of that scan."),
    failures: count.describe("Attempts to write the list that failed."),
    dryRun: z.boolean(),
  }),
  handshakes: z
    .array(
      z.object({
        direction: z
          .enum(["out", "in", "any"])
          .describe("Who sends it: somebody inside, or outside; any: a DPI box, which does not say."),
        seen: count,
        refused: count,
      }),
    )
    .describe("BitTorrent handshakes across the border since the start, where somebody counts them."),
  counterFiles: z
    .array(
      z.object({
        by: z.enum(["router", "dpi"]),
        file: z.string(),
        writtenAt: z.iso.datetime().nullable().describe("null: there have been no counts in it."),
        isStale: z.boolean().describe("It has not been written for half an hour."),
      }),
    )
    .describe("The files that these counts are read from."),
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
  /** Milliseconds since 1970; 0: there have been no counts in it. */
  readonly writtenAt: number;
  /** Nobody writes it any more, or it cannot be read. */
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
  const { lookMs, workMs, failing: _, ...counts } = maker.counts;
  const { changedAt, checkedAt, validUntil } = maker.list;
  return {
    hashList: {
      ...counts,
      changedAt: new Date(changedAt).toISOString(),
      checkedAt: checkedAt === 0 ? null : new Date(checkedAt).toISOString(),
      validUntil: new Date(validUntil).toISOString(),
      lookSeconds: lookMs / 1000,
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
    counter("btrt_hashlist_entered_total", "Torrents that came onto it.", { value: hashList.entered }),
    counter("btrt_hashlist_left_total", "Torrents that left it.", { value: hashList.left }),
    counter("btrt_hashlist_stalled_total", "Torrents taken off since a download inside stalled.", {
      value: hashList.stalled,
    }),
    gauge(
      "btrt_hashlist_left_out_torrents",
      "Torrents that qualify, and are not on it, by why.",
      { labels: { reason: "max_entries" }, value: hashList.leftOut },
      { labels: { reason: "exclude" }, value: hashList.excluded },
    ),
    gauge("btrt_hashlist_look_duration_seconds", "How long it took to look at all torrents.", {
      value: hashList.lookSeconds,
    }),
    gauge("btrt_hashlist_work_seconds", "How much of that was work.", { value: hashList.workSeconds }),
    gauge("btrt_hashlist_valid_until_timestamp_seconds", "Until when the list may be used.", {
      value: Date.parse(hashList.validUntil) / 1000,
    }),
    counter("btrt_hashlist_write_failures_total", "Attempts to write it that failed.", {
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
      "BitTorrent handshakes across the border, as a router or DPI box counts them. out: sent from inside; in: sent " +
        "from outside; any: it does not say.",
      ...byDirection(({ seen }) => seen),
    ),
    counter(
      "btrt_handshakes_refused_total",
      "Refused handshakes: their torrents are fully available inside the network.",
      ...byDirection(({ refused }) => refused),
    ),
    gauge(
      "btrt_handshake_counts_written_timestamp_seconds",
      "When the file was last written that these counts are read from; 0: there have been none in it.",
      ...counterFiles.map(({ by, writtenAt }) => ({
        labels: { by },
        value: writtenAt === null ? 0 : Date.parse(writtenAt) / 1000,
      })),
    ),
  ];
}

function findWarnings({ counterFiles }: Reading, isFailing: boolean): Warning[] {
  const failing =
    "The hash list cannot be written: its readers let everything through soon. The log says why.";
  const stale = counterFiles.filter((file) => file.isStale);
  return [
    ...(isFailing ? [{ isUrgent: true, text: failing }] : []),
    ...stale.map(({ file, writtenAt }) => ({
      isUrgent: false,
      text: `There are no new counts of handshakes in ${file}${writtenAt === null ? "" : ` since ${writtenAt}`}: see who writes it.`,
    })),
  ];
}
