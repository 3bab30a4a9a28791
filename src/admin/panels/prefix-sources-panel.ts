/** Prefix sources: where the prefixes of peer groups are read. */
import { z } from "zod";
import type { PrefixSource } from "../../prefix-sources/prefix-source.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel, Warning } from "../panel.ts";

const count = z.int().nonnegative();
const time = z.iso.datetime().nullable();

/** The panel's fields. */
export const prefixSourcesSchema = z.object({
  prefixSources: z
    .array(
      z.object({
        group: z.string().describe("The peer group."),
        format: z.string(),
        prefixes: count.describe("The prefixes of the last good read."),
        readAt: time.describe("The time of the last good read since the start."),
        copiedAt: time.describe("When the last good copy was written, which is in use."),
        copy: z.string().describe("The file with the copy."),
        failure: z.string().nullable().describe("Why the last read failed."),
        failures: count.describe("All failed reads."),
        held: z
          .boolean()
          .describe("Whether the prefixes of the last good read are so few that they must be confirmed."),
        notes: z.array(z.string()).describe("What the last good read left out."),
      }),
    )
    .describe("The sources of peer groups."),
});

type Reading = z.output<typeof prefixSourcesSchema>["prefixSources"][number];

/** Shows prefix sources. */
export function prefixSourcesPanel(shown: () => readonly PrefixSource[]): Panel<typeof prefixSourcesSchema> {
  return {
    schema: prefixSourcesSchema,
    read: () => ({ prefixSources: shown().map(readSource) }),
    metrics: ({ prefixSources }) => sourceMetrics(prefixSources),
    warnings: ({ prefixSources }) => prefixSources.flatMap(findWarnings),
  };
}

function readSource(source: PrefixSource): Reading {
  const { settings, prefixes, readAtMs, copiedAtMs, copy, failure, failures, isHeld, notes } = source;
  return {
    group: settings.group,
    format: settings.format,
    prefixes,
    readAt: readAtMs === 0 ? null : new Date(readAtMs).toISOString(),
    copiedAt: copiedAtMs === undefined ? null : new Date(copiedAtMs).toISOString(),
    copy: copy.path,
    failure,
    failures,
    held: isHeld,
    notes: [...notes],
  };
}

function sourceMetrics(sources: readonly Reading[]): Metric[] {
  if (sources.length === 0) return [];
  const each = (read: (source: Reading) => number) =>
    sources.map((source) => ({ labels: { group: source.group }, value: read(source) }));
  return [
    gauge(
      "btrt_prefix_source_prefixes",
      "Prefixes in the last good read of a peer group's source.",
      ...each(({ prefixes }) => prefixes),
    ),
    gauge(
      "btrt_prefix_source_read_timestamp_seconds",
      "The time of the last good read since the start; 0 if there was none.",
      ...each(({ readAt }) => (readAt === null ? 0 : Date.parse(readAt) / 1000)),
    ),
    gauge(
      "btrt_prefix_source_copied_timestamp_seconds",
      "When the copy in use was written; 0 if there is none.",
      ...each(({ copiedAt }) => (copiedAt === null ? 0 : Date.parse(copiedAt) / 1000)),
    ),
    gauge(
      "btrt_prefix_source_failing",
      "1 if the last read of a source has failed, else 0.",
      ...each(({ failure }) => (failure === null ? 0 : 1)),
    ),
    counter(
      "btrt_prefix_source_failures_total",
      "Failed reads of a peer group's source.",
      ...each(({ failures }) => failures),
    ),
    gauge(
      "btrt_prefix_source_held",
      "1 while the prefixes of a source are so few that they must be confirmed, else 0.",
      ...each(({ held }) => (held ? 1 : 0)),
    ),
  ];
}

function findWarnings({ group, failure, copiedAt, held, prefixes, copy }: Reading): Warning[] {
  const warnings: Warning[] = [];
  if (failure !== null && copiedAt === null)
    warnings.push({
      isUrgent: true,
      text: `The source of the peer group "${group}" cannot be read (${failure}), and there is no copy of it.`,
    });
  else if (failure !== null)
    warnings.push({
      isUrgent: false,
      text: `The source of the peer group "${group}" cannot be read (${failure}): its copy of ${copiedAt} stays in use.`,
    });
  if (held)
    warnings.push({
      isUrgent: false,
      text:
        `The source of the peer group "${group}" has only ${prefixes} prefixes, at most half of those in use. ` +
        `They are not used. If they are right, confirm them: mv '${copy}.held' '${copy}'`,
    });
  return warnings;
}
