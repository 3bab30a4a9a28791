/** Checks that neighbors are reachable and reply. */
import { randomBytes } from "node:crypto";
import type { OutgoingAnnounce } from "../../client/outgoing-announce.ts";
import type { Config } from "../../config/schema.ts";
import { ANNOUNCE_EVENT } from "../../model/announce.ts";
import { AnnounceTemplate, exampleUrl } from "../../neighbors/announce-template.ts";
import { makeNeighborClient } from "../../neighbors/neighbor-client.ts";
import { type Finding, ok, type Subject, warning } from "./finding.ts";

const PORT = 6881;

/** Returns a finding for each enabled neighbor. */
export async function checkNeighbors({ loaded: { config } }: Subject): Promise<Finding[]> {
  const asked = config.neighbors.filter(({ enabled }) => enabled);
  return Promise.all(asked.map(checkNeighbor));
}

/** Sends a `stopped` event for an unknown peer and a random torrent: the neighbor replies, and stores nothing. */
async function checkNeighbor({
  name,
  announce_request,
  timeout,
}: Config["neighbors"][number]): Promise<Finding> {
  const client = makeNeighborClient({
    template: announce_request,
    timeoutMs: timeout * 1000,
    maxConcurrent: 1,
  });
  const outcome = await client.announce(stoppedAnnouncement(announce_request));
  await client.close();
  const took = `after ${Math.round(outcome.latencyMs)} ms`;
  const { host } = new URL(exampleUrl(announce_request));
  if (!outcome.answered) {
    const why = outcome.kind === "status" ? `HTTP ${outcome.status}` : outcome.kind;
    return warning(
      `"${name}" does not reply (${why}, ${took})`,
      `check that ${host} runs and accepts requests from this machine`,
    );
  }
  if (outcome.failureReason === undefined) return ok(`"${name}" replies, ${took}`);
  return warning(
    `"${name}" refuses: ${outcome.failureReason}`,
    "check its announce_request, and ask the partner",
  );
}

/** The announce that a neighbor is sent, with a random info-hash and the event `stopped`. */
function stoppedAnnouncement(template: string): OutgoingAnnounce {
  const identity = { peerId: randomBytes(20).toString("latin1"), port: PORT, numWant: 0, ip: "" };
  const { url, udp } = new AnnounceTemplate(withStopped(template), 0).fill(randomBytes(20), identity);
  return udp === undefined ? { url } : { url, udp: { ...udp, event: ANNOUNCE_EVENT.stopped } };
}

function withStopped(template: string): string {
  if (/[?&]event=/.test(template)) return template.replace(/([?&])event=[^&]*/, "$1event=stopped");
  return template.includes("?") ? `${template}&event=stopped` : template;
}
