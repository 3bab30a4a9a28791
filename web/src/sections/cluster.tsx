/** The nodes of the cluster, and the figures of all of them together. */
import { bitRate, duration, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

const STATES = { live: "live", "catching-up": "catching up" } as const;

type Node = NonNullable<SectionProps["status"]["cluster"]>["nodes"][number];

/** From this difference of clocks on there is a warning as well (src/admin/cluster/cluster-warnings.ts). */
const CLOCK_SECONDS = 10;

/** Short, so that the figures beside it fit. */
function State({ node: { state, lastHeardSeconds, clockOffsetSeconds } }: { readonly node: Node }) {
  if (state === "silent")
    return (
      <span class="problem" title={`for ${duration(lastHeardSeconds)}`}>
        silent
      </span>
    );
  const isOff = Math.abs(clockOffsetSeconds) > CLOCK_SECONDS;
  return <span class={isOff ? "problem" : ""}>{isOff ? "clock off" : STATES[state]}</span>;
}

/** The section of the cluster. */
export function Cluster({ status: { cluster } }: SectionProps) {
  if (cluster === null) return <p>This tracker is alone.</p>;
  const { node, server, connected, lastError, sums, nodes } = cluster;
  return (
    <>
      {!connected && (
        <p class="problem">No connection to a nats-server{lastError === null ? "" : `: ${lastError}`}.</p>
      )}
      <dl class="facts">
        <dt>This node</dt>
        <dd>
          {node}
          {connected && `, connected to ${server}`}
        </dd>
        <dt>All nodes</dt>
        <dd>
          {whole(sums.requestsPerSecond)} requests and {whole(sums.returnedPerSecond)} peers returned per
          second; {bitRate(sums.avoidedPerSecond.downloaded)} in and {bitRate(sums.avoidedPerSecond.uploaded)}{" "}
          out avoided
        </dd>
      </dl>
      <Table
        label="Nodes"
        head={[
          "Node",
          "Site",
          "State",
          "Version",
          "Peers",
          "Torrents",
          "Requests/s",
          "Delay",
          "Missed",
          "Differ",
        ]}
        rows={nodes.map((each) => [
          <span class="wrap">{each.node}</span>,
          each.site,
          <State node={each} />,
          each.version,
          each.summary === null ? "–" : whole(each.summary.peers),
          each.summary === null ? "–" : whole(each.summary.swarms),
          each.summary === null || each.state === "silent" ? "–" : whole(each.summary.requestsPerSecond),
          each.isSelf ? "–" : `${whole(1000 * each.lagSeconds)} ms`,
          each.isSelf ? "–" : whole(each.lost),
          each.isSelf ? "–" : whole(each.digestDifferences),
        ])}
      />
    </>
  );
}
