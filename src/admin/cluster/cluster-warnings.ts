/** Problems of the cluster for the operator. Their texts have no figures: a warning that lasts stays the same. */
import { UNANSWERED_MAX } from "../../cluster/status.ts";
import type { Warning } from "../panel.ts";
import type { ClusterReading } from "./cluster-schema.ts";

/** From this difference of clocks on, one of them is wrong. */
const CLOCK_SECONDS = 10;

/** How late records may be. Clients of another node get peers that are so much older. */
const LAG_SECONDS = 5;

/** Finds what is wrong. */
export function clusterWarnings(cluster: ClusterReading): Warning[] {
  const { connected, sameName, node, refused, nodes } = cluster;
  const others = nodes.filter(({ isSelf }) => !isSelf);
  const count = (wanted: string) => refused.find(({ reason }) => reason === wanted)?.count ?? 0;
  const urgent = (isThere: boolean, text: string) => (isThere ? [{ isUrgent: true, text }] : []);
  const minor = (isThere: boolean, text: string) => (isThere ? [{ isUrgent: false, text }] : []);
  return [
    ...urgent(
      !connected,
      "The tracker has no connection to a nats-server. It answers alone, and does not learn of other nodes' peers.",
    ),
    ...urgent(
      sameName,
      `Another tracker uses the node name ${node}. Each needs a name of its own: set cluster.node.`,
    ),
    ...others.flatMap((other) => nodeWarnings(other, connected)),
    ...minor(
      count("foreign") > 0,
      "Messages of another cluster, or of nodes with another secret, are refused. Compare cluster.secret_file on all nodes.",
    ),
    ...minor(
      count("version") > 0,
      "Messages of nodes with another major version are refused. Upgrade all nodes.",
    ),
    ...minor(count("tooManyNodes") > 0, "There are more nodes than a cluster may have: some are ignored."),
  ];
}

function nodeWarnings(
  { node, state, clockOffsetSeconds, lagSeconds, unanswered }: ClusterReading["nodes"][number],
  isConnected: boolean,
): Warning[] {
  if (state === "silent")
    // Without a connection nobody is heard.
    return isConnected ? [{ isUrgent: true, text: `The node ${node} is silent.` }] : [];
  const warnings: Warning[] = [];
  if (Math.abs(clockOffsetSeconds) > CLOCK_SECONDS) {
    const text = `The clocks of the node ${node} and of this one differ by more than ${CLOCK_SECONDS} seconds.`;
    warnings.push({ isUrgent: false, text });
  }
  if (lagSeconds > LAG_SECONDS) {
    const text = `Records of the node ${node} arrive more than ${LAG_SECONDS} seconds late.`;
    warnings.push({ isUrgent: false, text });
  }
  if (unanswered >= UNANSWERED_MAX) {
    const text = `The node ${node} does not answer: what this node has missed of it is fetched from others, if they have it.`;
    warnings.push({ isUrgent: true, text });
  }
  return warnings;
}
