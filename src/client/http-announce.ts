/** Announces over http and https (BEP 3). */
import { parseReply } from "./announce-reply.ts";
import type { ConnectionPools } from "./connection-pools.ts";
import { type HttpAnswer, httpGet } from "./http-get.ts";
import { type FailureKind, type NoReply, noReply, type TrackerReply } from "./outcome.ts";
import { isAnnounce, parseTarget, resolveLocation, type Target } from "./target.ts";

const REDIRECTS_LIMIT = 3;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Settings of {@link announceOverHttp}. */
export interface HttpSettings {
  readonly pools: ConnectionPools;
  /** Whether an address literal in a URL may be connected to. {@link ConnectionPools} checks resolved addresses. */
  readonly allows: (target: Target) => boolean;
  readonly refuseLowPorts: boolean;
  readonly userAgent: string;
  readonly deadline: AbortSignal;
}

/** Announces, follows redirects, and parses the reply. Never rejects. */
export async function announceOverHttp(
  first: Target,
  settings: HttpSettings,
): Promise<TrackerReply | NoReply> {
  let target = first;
  for (let redirects = 0; ; redirects++) {
    const answer = await get(target, settings);
    if (typeof answer === "string") return noReply(answer);
    if (!REDIRECTS.includes(answer.status)) return read(answer);
    if (answer.location === undefined || redirects === REDIRECTS_LIMIT) return noReply("redirect");
    const next = parseTarget(resolveLocation(target, answer.location), settings.refuseLowPorts);
    if (next === "port") return noReply("port");
    if (typeof next === "string" || next.protocol === "udp:") return noReply("redirect");
    // A redirect must lead to another announce, not to any other URL.
    if (!isAnnounce(next.path)) return noReply("redirect");
    target = next;
  }
}

async function get(target: Target, settings: HttpSettings): Promise<HttpAnswer | FailureKind> {
  if (!settings.allows(target)) return "address";
  const { pools, userAgent, deadline } = settings;
  const connection = await pools.acquire(target);
  if (connection === undefined) return "busy";
  return httpGet(connection.pool, target.path, userAgent, deadline, connection.release);
}

/** Some trackers send a failure reason with an error status. */
function read({ status, body }: HttpAnswer): TrackerReply | NoReply {
  const reply = parseReply(body);
  if (status !== 200 && (typeof reply === "string" || reply.failureReason === undefined)) {
    return { kind: "status", status };
  }
  return typeof reply === "string" ? noReply(reply) : reply;
}
