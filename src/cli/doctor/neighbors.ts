/** Whether partners' trackers can be reached, and answer. */
import { randomBytes } from "node:crypto";
import type { Announcement } from "../../client/announcement.ts";
import { TrackerClient } from "../../client/tracker-client.ts";
import type { Config } from "../../config/schema.ts";
import { ANNOUNCE_EVENT } from "../../model/announce.ts";
import { AnnounceTemplate } from "../../neighbors/announce-template.ts";
import { type Finding, ok, type Subject, warning } from "./finding.ts";

const IN_FLIGHT = 8;
const PORT = 6881;

/** A finding for each that is asked. */
export async function checkNeighbors({ loaded: { config } }: Subject): Promise<Finding[]> {
  const asked = config.neighbors.filter(({ enabled }) => enabled);
  // Where a partner's tracker is, is the operator's word: it may well be private.
  const settings = { guard: () => true, refuseLowPorts: false, timeoutMs: 10_000 };
  const client = new TrackerClient({ ...settings, maxInFlight: IN_FLIGHT, maxPerHost: IN_FLIGHT });
  try {
    return await Promise.all(asked.map((neighbor) => checkNeighbor(client, neighbor)));
  } finally {
    await client.close();
  }
}

/** Tells it that a peer has stopped which it never heard of: it answers, and remembers nothing. */
async function checkNeighbor(
  client: TrackerClient,
  { name, announce_request, timeout }: Config["neighbors"][number],
): Promise<Finding> {
  const outcome = await client.announce({
    ...stoppedAnnouncement(announce_request),
    timeoutMs: timeout * 1000,
  });
  const took = `after ${Math.round(outcome.latencyMs)} ms`;
  const { host } = new URL(announce_request.replaceAll(/[{}]/g, ""));
  if (!outcome.answered) {
    const why = outcome.kind === "status" ? `HTTP ${outcome.status}` : outcome.kind;
    return warning(
      `"${name}" gives no answer (${why}, ${took})`,
      `see whether ${host} runs, and lets this machine ask`,
    );
  }
  if (outcome.failureReason === undefined) return ok(`"${name}" answers, ${took}`);
  return warning(
    `"${name}" refuses: ${outcome.failureReason}`,
    "see its announce_request, and ask the partner",
  );
}

/** The announce that a neighbor is sent, but of a torrent of nobody's, and with another event. */
function stoppedAnnouncement(template: string): Announcement {
  const identity = { peerId: randomBytes(20).toString("latin1"), port: PORT, numWant: 0, ip: "" };
  const { url, udp } = new AnnounceTemplate(withStopped(template), 0).fill(randomBytes(20), identity);
  return udp === undefined ? { url } : { url, udp: { ...udp, event: ANNOUNCE_EVENT.stopped } };
}

function withStopped(template: string): string {
  if (/[?&]event=/.test(template)) return template.replace(/([?&])event=[^&]*/, "$1event=stopped");
  return template.includes("?") ? `${template}&event=stopped` : template;
}
