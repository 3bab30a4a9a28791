/** The database: whether it can be used, and what was saved. */
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
    failure: z.string().nullable().describe("What keeps it from being used."),
    replacements: count.describe("How often its file was damaged or gone since the start, and replaced."),
    lastReplacement: z
      .object({
        at: z.iso.datetime(),
        reason: z.string(),
        torrents: count.describe("Torrents that the new file has from the old one."),
        totals: count,
        keptAs: z.string().nullable().describe("Where what was in its place is now."),
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
    gauge("btrt_database_usable", "1 when the database can be used.", { value: usable ? 1 : 0 }),
    gauge("btrt_database_saved_timestamp_seconds", "When all was last saved; 0: not yet.", {
      value: savedAt === null ? 0 : Date.parse(savedAt) / 1000,
    }),
    gauge("btrt_database_save_duration_seconds", "How long that took.", { value: saveSeconds }),
    counter("btrt_database_rows_written_total", "Rows of swarms written.", { value: rowsWritten }),
    counter("btrt_database_failures_total", "Attempts to use the database that failed.", { value: failures }),
    counter("btrt_database_replacements_total", "Times that its file was damaged or gone, and replaced.", {
      value: replacements,
    }),
  ];
}

/** All queues that the data plane fills and the control plane empties, most of them for the database. */
function queueMetric(vanishedMissed: number, totalsDropped: number, { counters }: Totals): Metric {
  return counter(
    "btrt_queue_drops_total",
    "What was dropped as a queue between planes was full. vanished_swarms: torrents that are gone, which are then " +
      "looked for in the database; group_totals: totals that are lost; tasks: what was asked of the control plane.",
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
    const why = failure === null ? "" : ` Why: ${failure}`;
    texts.push(`The database cannot be used since ${since}: nothing is saved. Announces go on.${why}`);
  }
  if (lastReplacement !== null) texts.push(explainReplacement(lastReplacement));
  return texts.map((text) => ({ isUrgent: true, text }));
}

function explainReplacement({ at, reason, torrents, totals, keptAs }: Replacement): string {
  const kept = keptAs === null ? "" : ` What was there is ${keptAs}.`;
  return (
    `The database's file was replaced at ${at} (${reason}). The new one has ${torrents} torrents ` +
    `and ${totals} totals of the old one, and what is in memory.${kept}`
  );
}
