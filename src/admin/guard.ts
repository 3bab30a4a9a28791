/**
 * Who may ask the admin listener, and what. Without a token it listens on loopback alone, where any page that a browser
 * has open could ask as well: so it answers only by an address or localhost (DNS rebinding), never tells another origin
 * anything (no CORS), and takes no bodies.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";

/** Paths that anybody may ask: they tell nothing but that the tracker lives. */
const OPEN_PATHS = ["/healthz", "/readyz"];

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** Lets through who may ask. @param tokenNow gives what requests must carry now, or null. */
export function guard(tokenNow: () => string | null): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    if (req.method !== "GET" && req.method !== "HEAD") return context.json({ error: "only GET" }, 405);
    if (req.header("transfer-encoding") !== undefined || (req.header("content-length") ?? "0") !== "0")
      return context.json({ error: "a request here has no body" }, 413);
    const token = tokenNow();
    const host = req.header("host") ?? "";
    const origin = req.header("origin");
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
      return context.json({ error: "other origins are told nothing" }, 403);
    if (token === null && !isLocalName(host))
      return context.json(
        { error: "ask by an address, or localhost; by other names only with a token" },
        403,
      );
    if (token !== null && !OPEN_PATHS.includes(req.path)) {
      const given = tokenIn(req.header("authorization") ?? "");
      if (given === undefined || !timingSafeEqual(digest(given), digest(token))) {
        // Browsers ask for a name and a password: the password is the token.
        context.header("WWW-Authenticate", 'Basic realm="btrt", charset="UTF-8"');
        return context.json({ error: "a token is needed: admin.token_file" }, 401);
      }
    }
    return next();
  };
}

/** Digests are as long as each other, whatever was sent. */
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

/** Whether a Host names an address or localhost: no name that somebody else's name server can resolve. */
function isLocalName(host: string): boolean {
  const [, bracketed, plain] = /^(?:\[(.*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? [];
  return isIP(bracketed ?? plain ?? "") !== 0 || plain === "localhost";
}
