/** `btrt neighbors`. */
import { styleText } from "node:util";
import type { NeighborStatus } from "../admin/panels/neighbors-panel.ts";
import type { Status } from "../admin/status.ts";
import { AdminClientError, askAdmin, findAdmin } from "./admin-client.ts";
import { print, printError } from "./output.ts";
import { number, percent } from "./quantities.ts";

/**
 * Shows what has come of asking partners' trackers.
 * @param configFile undefined: the defaults.
 * @param json as the tracker answers it, for programs.
 * @returns the exit code: 1 when it does not answer.
 */
export async function neighbors(configFile: string | undefined, json: boolean): Promise<number> {
  try {
    const status = (await askAdmin(await findAdmin(configFile), "status")) as Status;
    if (json) return await print(`${JSON.stringify(status.neighbors)}\n`);
    if (status.neighbors.length === 0) return await print("There are no neighbors: set neighbors.\n");
    return await print(status.neighbors.map(formatNeighbor).join("\n"));
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    printError(`btrt: ${error.message}`);
    return 1;
  }
}

/** Says it for people to read. */
function formatNeighbor(neighbor: NeighborStatus): string {
  const { name, url, state, until, lastFailure, peers, givenShare } = neighbor;
  const again = until === null ? "" : `, tried again at ${until}`;
  const lines = [
    state === "asked" ? "is asked" : styleText("yellow", `is ${state}${again}`),
    `${number(neighbor.asked)} torrents asked about: ${number(neighbor.answered)} answers, of them ` +
      `${number(neighbor.refused)} refusals; ${number(neighbor.failed)} failures`,
    `${number(neighbor.inFlight)} under way, ${number(neighbor.waiting)} waiting, ` +
      `${number(neighbor.dropped)} dropped for want of time`,
    formatNamedPeers(peers),
    `${percent(givenShare)} of all peers given`,
    `answers in ${(1000 * neighbor.latencySeconds).toFixed(0)} ms`,
    lastFailure === null ? "" : `last failure: ${lastFailure}`,
  ];
  const text = lines.filter((line) => line !== "").map((line) => `  ${line}\n`);
  return `${styleText("bold", name)}  ${url}\n${text.join("")}`;
}

/** What became of the peers that another tracker has named, for people to read. */
export function formatNamedPeers(peers: NeighborStatus["peers"]): string {
  return (
    `${number(peers.learned)} peers learned of ${number(peers.named)} named: ${number(peers.renewed)} known from ` +
    `trackers, ${number(peers.announced)} from themselves; left out ${number(peers.refused)} too many, ` +
    `${number(peers.trackers)} of trackers, ${number(peers.private)} private, ${number(peers.unusable)} unusable`
  );
}
