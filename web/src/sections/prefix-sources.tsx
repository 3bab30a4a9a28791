/** Where the prefixes of peer groups are read. */
import { moment, whole } from "../format.ts";
import type { SectionProps, Status } from "../live.ts";
import { Table } from "../table.tsx";

type Source = Status["prefixSources"][number];

/** The section of prefix sources. Sources that fail come first. */
export function PrefixSources({ status: { prefixSources } }: SectionProps) {
  if (prefixSources.length === 0)
    return (
      <p>
        There are none (<code>peer_groups[].source</code>).
      </p>
    );
  const inOrder = prefixSources.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)));
  return (
    <>
      <Table
        label="Prefix sources"
        head={["Peer group", "State", "Prefixes", "Last read", "Copy in use", "Failures"]}
        rows={inOrder.map((source) => [
          <span class="wrap">
            {source.group} <small>({source.format})</small>
          </span>,
          <span class={isWell(source) ? "" : "problem"}>{stateOf(source)}</span>,
          source.readAt === null ? "–" : whole(source.prefixes),
          source.readAt === null ? "not since the start" : moment(source.readAt),
          source.copiedAt === null ? "none" : moment(source.copiedAt),
          whole(source.failures),
        ])}
      />
      {inOrder.map((source) => detailsOf(source).map((text) => <p key={source.group + text}>{text}</p>))}
    </>
  );
}

function isWell({ failure, held }: Source): boolean {
  return failure === null && !held;
}

function stateOf({ failure, held, readAt }: Source): string {
  if (failure !== null) return "fails";
  if (held) return "to be confirmed";
  return readAt === null ? "not read yet" : "well";
}

/** Why it fails, what must be confirmed, and what was left out. */
function detailsOf({ group, failure, held, copiedAt, notes }: Source): string[] {
  const inUse = copiedAt === null ? "there is no copy of it." : "the copy stays in use.";
  return [
    ...(failure === null ? [] : [`${group} cannot be read (${failure}): ${inUse}`]),
    ...(held
      ? [`${group} has at most half of the prefixes in use. The warning above says how to confirm them.`]
      : []),
    ...(notes.length === 0 ? [] : [`${group}: the last read left something out: ${notes.join("; ")}.`]),
  ];
}
