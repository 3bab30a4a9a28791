/** Fetches an operator's URL. */
import { chosenOrPublicExcept } from "../client/address-guard.ts";
import { ConnectionPools } from "../client/connection-pools.ts";
import { kindOf } from "../client/http-get.ts";
import { createResolver } from "../client/resolver.ts";
import { parseTarget, resolveLocation, type Target } from "../client/target.ts";
import { machineAddresses } from "../platform/machine.ts";
import { excerpt, SourceError } from "./source-error.ts";

const USER_AGENT = "BTRT";
const REDIRECTS = [301, 302, 303, 307, 308];
const REDIRECTS_LIMIT = 3;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Sends a GET request, and yields the body, which is possibly compressed with gzip. A redirect must lead to a public
 * address or to the same host and port, and from https only to https.
 * @param accept the media types to ask for.
 * @throws SourceError if there is no complete response with status 200.
 */
export async function* fetchUrl(
  url: string,
  accept: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const guard = chosenOrPublicExcept(url, machineAddresses());
  const pools = new ConnectionPools({
    guard,
    resolve: createResolver(),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    maxInFlight: 1,
    maxPerHost: 1,
  });
  try {
    let target = targetOf(url);
    for (let redirects = 0; ; redirects++) {
      if (target.address !== undefined && !guard(target.address, target)) throw new SourceError("address");
      const location = yield* fetchTarget(pools, target, accept, signal);
      if (location === undefined) return;
      if (redirects === REDIRECTS_LIMIT) throw new SourceError("too many redirects");
      target = redirected(target, location);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SourceError) throw error;
    throw new SourceError(`${excerpt(hostOf(url))}: ${kindOf(error)}`);
  } finally {
    await pools.close();
  }
}

/** Yields the body of a response. @returns the location of a redirect instead. */
async function* fetchTarget(
  pools: ConnectionPools,
  target: Target,
  accept: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, string | undefined> {
  const slot = await pools.acquire(target);
  if (slot === undefined) throw new SourceError("busy");
  try {
    const headers = { accept, "accept-encoding": "gzip", "user-agent": USER_AGENT };
    const {
      statusCode,
      headers: received,
      body,
    } = await slot.pool.request({
      method: "GET",
      path: target.path,
      headers,
      signal,
    });
    if (statusCode === 200) {
      yield* body;
      return undefined;
    }
    body.on("error", () => {}).destroy();
    const { location } = received;
    if (REDIRECTS.includes(statusCode) && typeof location === "string") return location;
    throw new SourceError(`${target.host} answers with status ${statusCode}`);
  } finally {
    slot.release();
  }
}

function redirected(from: Target, location: string): Target {
  const target = targetOf(resolveLocation(from, location));
  if (from.protocol === "https:" && target.protocol !== "https:")
    throw new SourceError("a redirect from https to http");
  return target;
}

function targetOf(url: string): Target {
  const target = parseTarget(url, false);
  if (typeof target === "string" || target.protocol === "udp:")
    throw new SourceError("not a valid http or https URL");
  return target;
}

/** The host, without what may be a secret in path or query. */
function hostOf(url: string): string {
  return /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
}
