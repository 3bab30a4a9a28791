/** The command `btrt neighbors`. */
import { styleText } from "node:util";
import type { NeighborStatus } from "../admin/panels/neighbors-panel.ts";
import type { Status } from "../admin/status.ts";
import { askAdmin, findAdmin, reportingAdminErrors } from "./admin-client.ts";
import { print } from "./output.ts";
import { number, percent } from "./quantities.ts";

/**
 * Shows the state of all neighbors.
 * @param configFile undefined for the defaults.
 * @param json whether to print the tracker's JSON.
 * @returns the exit code: 1 if the tracker does not reply.
 */
export async function neighbors(configFile: string | undefined, json: boolean): Promise<number> {
  return await reportingAdminErrors(async () => {
    const status = (await askAdmin(await findAdmin(configFile), "status")) as Status;
    if (json) return await print(`${JSON.stringify(status.neighbors)}\n`);
    if (status.neighbors.length === 0) return await print("There are no neighbors: set neighbors.\n");
    return await print(status.neighbors.map(formatNeighbor).join("\n"));
  });
}

/** Formats the state of a neighbor for people. */
function formatNeighbor(neighbor: NeighborStatus): string {
  const { name, url, state, until, lastFailure, peers, returnedShare } = neighbor;
  const again = until === null ? "" : `, tried again at ${until}`;
  const lines = [
    state === "asked" ? "asked" : styleText("yellow", `${state}${again}`),
    `${number(neighbor.asked)} torrents asked about: ${number(neighbor.answered)} replies, of them ` +
      `${number(neighbor.refused)} refusals; ${number(neighbor.failed)} failures`,
    `${number(neighbor.inFlight)} in progress, ${number(neighbor.waiting)} waiting, ` +
      `${number(neighbor.dropped)} dropped from the full queue`,
    formatNamedPeers(peers),
    `${percent(returnedShare)} of all peers returned`,
    `average latency ${(1000 * neighbor.latencySeconds).toFixed(0)} ms`,
    lastFailure === null ? "" : `last failure: ${lastFailure}`,
  ];
  const text = lines.filter((line) => line !== "").map((line) => `  ${line}\n`);
  return `${styleText("bold", name)}  ${url}\n${text.join("")}`;
}

/** Formats what happened to the peers that another tracker returned. */
export function formatNamedPeers(peers: NeighborStatus["peers"]): string {
  return (
    `${number(peers.learned)} peers learned of ${number(peers.named)} returned: ${number(peers.renewed)} known from ` +
    `trackers, ${number(peers.announced)} from their own announces; refused ${number(peers.refused)} beyond the limit, ` +
    `${number(peers.trackers)} of trackers, ${number(peers.private)} private, ${number(peers.unusable)} unusable`
  );
}
