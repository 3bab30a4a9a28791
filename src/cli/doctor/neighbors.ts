/** Whether partners' trackers can be reached, and answer. */
import { randomBytes } from "node:crypto";
import { TrackerClient } from "../../client/tracker-client.ts";
import type { Config } from "../../config/schema.ts";
import { ANNOUNCE_EVENT } from "../../model/announce.ts";
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
  const infoHash = randomBytes(20);
  const peerId = randomBytes(20);
  const outcome = await client.announce({
    url: stoppedUrl(announce_request, infoHash, peerId),
    timeoutMs: timeout * 1000,
    udp: {
      infoHash,
      peerId,
      downloaded: 0,
      left: 0,
      uploaded: 0,
      event: ANNOUNCE_EVENT.stopped,
      key: 0,
      numWant: 0,
      port: PORT,
      ip: 0,
    },
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

/** A neighbor's announce, filled in and with another event. */
function stoppedUrl(template: string, infoHash: Uint8Array, peerId: Uint8Array): string {
  const values: Readonly<Record<string, string>> = {
    info_hash: percentEncode(infoHash),
    peer_id: percentEncode(peerId),
    port: String(PORT),
    numwant: "0",
    ip: "",
  };
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, word: string) => values[word] ?? "");
  if (/[?&]event=/.test(filled)) return filled.replace(/([?&])event=[^&]*/, "$1event=stopped");
  return filled.includes("?") ? `${filled}&event=stopped` : filled;
}

function percentEncode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").replaceAll(/../g, "%$&");
}
