/** The command `btrt cluster`. */
import { styleText } from "node:util";
import type { ClusterReading } from "../admin/cluster/cluster-schema.ts";
import type { Status } from "../admin/status.ts";
import { askAdmin, findAdmin, reportingAdminErrors } from "./admin-client.ts";
import { print } from "./output.ts";
import { bits, number } from "./quantities.ts";

type Node = ClusterReading["nodes"][number];

const COLUMNS = [
  "node",
  "site",
  "state",
  "version",
  "peers",
  "torrents",
  "requests/s",
  "late",
  "missed",
  "differ",
];

/**
 * Shows all nodes of the cluster, as the tracker of this configuration sees them.
 * @param configFile undefined for the defaults.
 * @param json whether to print the tracker's JSON.
 * @returns the exit code: 1 if the tracker does not reply.
 */
export async function cluster(configFile: string | undefined, json: boolean): Promise<number> {
  return await reportingAdminErrors(async () => {
    const status = (await askAdmin(await findAdmin(configFile), "status")) as Status;
    if (json) return await print(`${JSON.stringify(status.cluster)}\n`);
    if (status.cluster === null) return await print("There is no cluster: set cluster.\n");
    return await print(formatCluster(status.cluster));
  });
}

/** The lines about the cluster in `btrt status`. */
export function clusterLines({ cluster }: Status): string[] {
  if (cluster === null) return [];
  const others = cluster.nodes.filter(({ isSelf }) => !isSelf);
  const heard = others.filter(({ state }) => state !== "silent");
  return [
    connectionLine(cluster),
    `${number(heard.length)} of ${number(others.length)} other nodes are heard; ${number(cluster.sums.requestsPerSecond)} requests/s in all`,
  ];
}

function formatCluster(cluster: ClusterReading): string {
  const rows = [COLUMNS, ...cluster.nodes.map(rowOf)];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const table = rows.map((row, r) => {
    // Names to the left, figures to the right.
    const cells = row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    const line = cells.join("  ").trimEnd();
    if (r === 0) return styleText("bold", line);
    return cluster.nodes[r - 1].state === "silent" ? styleText("yellow", line) : line;
  });
  return `${[`${cluster.name}: ${connectionLine(cluster)}`, "", ...table, "", ...sumLines(cluster)].join("\n")}\n`;
}

function rowOf({
  node,
  site,
  state,
  version,
  isSelf,
  summary,
  lagSeconds,
  lost,
  digestDifferences,
}: Node): string[] {
  const figure = (value: number | undefined) => (value === undefined ? "–" : number(value));
  return [
    isSelf ? `${node} (this)` : node,
    site,
    state,
    version || "–",
    figure(summary?.peers),
    figure(summary?.swarms),
    figure(summary?.requestsPerSecond),
    isSelf ? "–" : `${number(1000 * lagSeconds)} ms`,
    isSelf ? "–" : number(lost),
    isSelf ? "–" : number(digestDifferences),
  ];
}

function connectionLine({ connected, server, state, lastError, catchingUp }: ClusterReading): string {
  if (!connected)
    return styleText("yellow", `no connection to a nats-server${lastError === null ? "" : `: ${lastError}`}`);
  const fetching =
    catchingUp === null ? "" : `, ${number(catchingUp.records)} records from ${catchingUp.from} so far`;
  return `connected to ${server}, ${state === "catching-up" ? `catching up${fetching}` : state}`;
}

function sumLines({ sums, sent, dropped, refused }: ClusterReading): string[] {
  const lost = dropped.ring + dropped.disconnected + dropped.slow;
  const reasons = refused
    .filter(({ count }) => count > 0)
    .map(({ reason, count }) => `${reason} ${number(count)}`);
  return [
    `all nodes: ${number(sums.requestsPerSecond)} requests/s, ${number(sums.returnedPerSecond)} peers returned/s`,
    `external traffic avoided: ${bits(sums.avoidedPerSecond.downloaded)} in and ${bits(sums.avoidedPerSecond.uploaded)} out`,
    `sent by this node: ${number(sent.records)} records in ${number(sent.batches)} messages; ${number(lost)} not sent`,
    ...(reasons.length === 0 ? [] : [`refused: ${reasons.join(", ")}`]),
  ];
}
