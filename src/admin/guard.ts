/**
 * Access control of the admin listener. Without a token it listens only on loopback, which every web page in a browser of
 * this machine can reach. So the host must be an address or localhost (against DNS rebinding), requests from other origins
 * are refused (no CORS), and only a router's report has a body.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";

/** Paths without a token: they only show that the tracker runs. */
const OPEN_PATHS = ["/healthz", "/readyz"];

/** What routers tell the tracker (gate/report.ts). A body is read whole. */
const POST_PATHS = ["/api/v1/gate/report"];
const BODY_BYTES = 16_384;

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** The tokens of the listener. */
export interface AdminTokens {
  /** Null: everybody who can connect sees everything. */
  readonly token: string | null;
  /** The token of a monitoring system, which sees {@link MonitoringPaths} without addresses. Null: there is none. */
  readonly monitoringToken: string | null;
}

/** Whether a path is open to the monitoring token. */
export type MonitoringPaths = (path: string) => boolean;

/** What a request may see, for its handler. */
export interface AdminEnv {
  Variables: { access: "full" | "monitoring" };
}

/** Makes the middleware. @param tokensNow returns the current tokens. */
export function guard(
  tokensNow: () => AdminTokens,
  isForMonitoring: MonitoringPaths,
): MiddlewareHandler<AdminEnv> {
  return async (context, next) => {
    const { req } = context;
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    const isPost = req.method === "POST" && POST_PATHS.includes(req.path);
    if (req.method !== "GET" && req.method !== "HEAD" && !isPost)
      return context.json({ error: "only GET" }, 405);
    const length = Number(req.header("content-length") ?? "0");
    if (req.header("transfer-encoding") !== undefined || !(length <= (isPost ? BODY_BYTES : 0)))
      return context.json({ error: isPost ? "the body is too long" : "a request here has no body" }, 413);
    const { token, monitoringToken } = tokensNow();
    context.set("access", "full");
    const host = req.header("host") ?? "";
    const origin = req.header("origin");
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
      return context.json({ error: "requests from other origins are refused" }, 403);
    if (token === null && !isLocalName(host))
      return context.json({ error: "without a token the host must be an address or localhost" }, 403);
    if (token !== null && !OPEN_PATHS.includes(req.path)) {
      const given = tokenIn(req.header("authorization") ?? "");
      const isFull = isToken(given, token);
      const isMonitoring = monitoringToken !== null && isToken(given, monitoringToken);
      if (isMonitoring && !isFull) {
        if (!isForMonitoring(req.path))
          return context.json({ error: "the monitoring token does not open this path" }, 403);
        context.set("access", "monitoring");
      } else if (!isFull) {
        // Browsers ask for a user and a password. The password is the token.
        context.header("WWW-Authenticate", 'Basic realm="btrt", charset="UTF-8"');
        return context.json({ error: "a token is needed: admin.token_file" }, 401);
      }
    }
    return next();
  };
}

function isToken(given: string | undefined, token: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** Digests have equal lengths, whatever the length of the token. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function tokenIn(authorization: string): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  return Buffer.from(value, "base64")
    .toString()
    .replace(/^[^:]*:/, "");
}

/** Whether a Host header is an address or localhost, which no foreign name server resolves. */
function isLocalName(host: string): boolean {
  const [, bracketed, plain] = /^(?:\[(.*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? [];
  return isIP(bracketed ?? plain ?? "") !== 0 || plain === "localhost";
}
