/** The database: whether it is available, and what was saved. */
import { z } from "zod";
import { COUNTER } from "../../model/counters.ts";
import type { LastReplacement } from "../../storage/file-replacements.ts";
import type { GroupTotals } from "../../storage/group-totals.ts";
import type { Storage } from "../../storage/storage.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel, Warning } from "../panel.ts";
import type { Totals } from "../readings.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const databaseSchema = z.object({
  database: z.object({
    url: z.string(),
    usable: z.boolean(),
    failure: z.string().nullable().describe("Why it is unavailable."),
    replacements: count.describe(
      "How often its file was damaged or missing since the start, and was replaced.",
    ),
    lastReplacement: z
      .object({
        at: z.iso.datetime(),
        reason: z.string(),
        torrents: count.describe("Torrents recovered from the old file."),
        totals: count.describe("Totals recovered from the old file."),
        keptAs: z.string().nullable().describe("The path of the old file."),
      })
      .nullable(),
    savedAt: z.iso.datetime().nullable(),
    saveSeconds: z.number(),
    rowsWritten: count,
    failures: count,
  }),
});

type Reading = z.output<typeof databaseSchema>;
type Replacement = NonNullable<Reading["database"]["lastReplacement"]>;

/** What the panel reads. */
export interface ShownDatabase {
  /** The database's URL, without its password. */
  readonly url: string;
  readonly storage: Storage;
  readonly totals: GroupTotals;
}

/** Shows the database. */
export function databasePanel({
  url,
  storage,
  totals: groupTotals,
}: ShownDatabase): Panel<typeof databaseSchema> {
  return {
    schema: databaseSchema,
    read: () => readDatabase(url, storage),
    metrics: (reading, totals) => [
      queueMetric(storage.counters.missed, groupTotals.dropped, totals),
      ...databaseMetrics(reading),
    ],
    warnings: (reading) => findWarnings(reading, storage.failingSince),
  };
}

function readDatabase(url: string, { counters, failingSince, failure, replacements }: Storage): Reading {
  const { written, failures, savedAt, saveMs } = counters;
  return {
    database: {
      url,
      usable: failingSince === null,
      failure,
      replacements: replacements.count,
      lastReplacement: replacements.last === null ? null : readReplacement(replacements.last),
      savedAt: savedAt === 0 ? null : new Date(savedAt).toISOString(),
      saveSeconds: saveMs / 1000,
      rowsWritten: written,
      failures,
    },
  };
}

function readReplacement({ at, reason, swarms, totals, keptAs }: LastReplacement): Replacement {
  return { at: new Date(at).toISOString(), reason, torrents: swarms, totals, keptAs };
}

function databaseMetrics({ database }: Reading): Metric[] {
  const { usable, savedAt, saveSeconds, rowsWritten, failures, replacements } = database;
  return [
    gauge("btrt_database_usable", "1 while the database is available.", { value: usable ? 1 : 0 }),
    gauge("btrt_database_saved_timestamp_seconds", "When all changes were last saved; 0: not yet.", {
      value: savedAt === null ? 0 : Date.parse(savedAt) / 1000,
    }),
    gauge("btrt_database_save_duration_seconds", "How long the last save took.", { value: saveSeconds }),
    counter("btrt_database_rows_written_total", "Written rows of swarms.", { value: rowsWritten }),
    counter("btrt_database_failures_total", "Failed attempts to use the database.", { value: failures }),
    counter(
      "btrt_database_replacements_total",
      "How often the file was damaged or missing, and was replaced.",
      {
        value: replacements,
      },
    ),
  ];
}

/** All queues from the data plane to the control plane. Most of them are for the database. */
function queueMetric(vanishedMissed: number, totalsDropped: number, { counters }: Totals): Metric {
  return counter(
    "btrt_queue_drops_total",
    "Items dropped because a queue to the control plane was full. vanished_swarms: removed torrents, whose rows are " +
      "then searched for in the database; group_totals: totals, which are lost; tasks: requests for other trackers.",
    { labels: { queue: "vanished_swarms" }, value: vanishedMissed },
    { labels: { queue: "group_totals" }, value: totalsDropped },
    { labels: { queue: "tasks" }, value: counters[COUNTER.tasksDropped] },
  );
}

function findWarnings({ database }: Reading, failingSince: number | null): Warning[] {
  const { failure, lastReplacement } = database;
  const texts: string[] = [];
  if (failingSince !== null) {
    const since = new Date(failingSince).toISOString();
    const why = failure === null ? "" : ` Reason: ${failure}`;
    texts.push(
      `The database is unavailable since ${since}. Nothing is saved. Announces are answered as before.${why}`,
    );
  }
  if (lastReplacement !== null) texts.push(explainReplacement(lastReplacement));
  return texts.map((text) => ({ isUrgent: true, text }));
}

function explainReplacement({ at, reason, torrents, totals, keptAs }: Replacement): string {
  const kept = keptAs === null ? "" : ` The old file is ${keptAs}.`;
  return (
    `The database's file was replaced at ${at} (${reason}). ${torrents} torrents and ${totals} totals ` +
    `were recovered from the old file, and the torrents in memory were saved again.${kept}`
  );
}
