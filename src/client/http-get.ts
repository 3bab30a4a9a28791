/** One GET request with limits. Redirects are not followed here, and large bodies are not read. */
import { promisify } from "node:util";
import { gunzip, inflate, inflateRaw } from "node:zlib";
import type { Dispatcher, Pool } from "undici";
import { LOOKUP_FAILED } from "./connection-pools.ts";
import { endOf } from "./deadline.ts";
import type { FailureKind } from "./outcome.ts";

/** A received response. */
export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
  /** Decompressed. */
  readonly body: Uint8Array;
}

/** Limit of a body in bytes, before and after decompression. */
const BODY_LIMIT = 0x100000;

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

/**
 * Sends a GET request.
 * @param deadline ends it with `timeout` or `closed`.
 * @param done is called when the request has left the pool, which may be after the promise has settled.
 * @returns the response, or the kind of failure. Never rejects.
 */
export async function httpGet(
  pool: Pool,
  path: string,
  userAgent: string,
  deadline: AbortSignal,
  done: () => void,
): Promise<HttpAnswer | FailureKind> {
  if (deadline.aborted) {
    done();
    return endOf(deadline);
  }
  const exchange = new Exchange(done);
  const abort = () => exchange.abort(endOf(deadline));
  deadline.addEventListener("abort", abort);
  try {
    const headers = { "user-agent": userAgent, "accept-encoding": "gzip" };
    pool.dispatch({ method: "GET", path, headers }, exchange);
    const received = await exchange.ended;
    if (typeof received === "string") return received;
    const body = await decompress(received.body, received.encoding);
    return typeof body === "string" ? body : { ...received, body };
  } catch {
    done();
    return "url"; // undici rejects the path or a header
  } finally {
    deadline.removeEventListener("abort", abort);
  }
}

interface Received extends HttpAnswer {
  readonly encoding: string;
}

/** Receives one response. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Received | FailureKind>;
  readonly #settle: (received: Received | FailureKind) => void;
  readonly #done: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #aborted = false;
  #status = 0;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(done: () => void) {
    const { promise, resolve } = Promise.withResolvers<Received | FailureKind>();
    this.ended = promise;
    this.#settle = resolve;
    this.#done = done;
  }

  /** Aborts the request. If it still waits for a connection, it ends when that is established or has failed. */
  abort(kind: FailureKind): void {
    this.#aborted = true;
    this.#settle(kind);
    this.#controller?.abort(new Error(kind));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted) controller.abort(new Error("too late"));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (Number(single(headers["content-length"]) ?? 0) > BODY_LIMIT) this.abort("too large");
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > BODY_LIMIT) this.abort("too large");
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#settle({
      status: this.#status,
      location: single(this.#headers.location),
      encoding: (single(this.#headers["content-encoding"]) ?? "").trim().toLowerCase(),
      body: Buffer.concat(this.#chunks),
    });
    this.#done();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const kind = kindOf(error);
    this.#settle(kind === "cut" && this.#status !== 0 ? "incomplete" : kind);
    this.#done();
  }
}

/** The value of a header that occurs once; undefined if it occurs several times. */
function single(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

const DECOMPRESS = { gzip: promisify(gunzip), "x-gzip": promisify(gunzip) };
const ZLIB = promisify(inflate);
const DEFLATE = promisify(inflateRaw);

/** Decodes the Content-Encoding (RFC 9110 8.4.1). Servers send deflate with and without the zlib header. */
async function decompress(body: Uint8Array, encoding: string): Promise<Uint8Array | FailureKind> {
  const options = { maxOutputLength: BODY_LIMIT };
  try {
    if (encoding === "" || encoding === "identity") return body;
    if (encoding === "gzip" || encoding === "x-gzip") return await DECOMPRESS[encoding](body, options);
    if (encoding !== "deflate") return "encoding";
    return await ((body[0] & 0x0f) === 8 ? ZLIB : DEFLATE)(body, options);
  } catch (error) {
    return codeOf(error) === "ERR_BUFFER_TOO_LARGE" ? "too large" : "encoding";
  }
}

const KINDS = new Map<string, FailureKind>([
  [LOOKUP_FAILED.dns, "dns"],
  [LOOKUP_FAILED.address, "address"],
  ["ECONNREFUSED", "refused"],
  ["EHOSTUNREACH", "unreachable"],
  ["ENETUNREACH", "unreachable"],
  ["EADDRNOTAVAIL", "unreachable"],
  ["EACCES", "unreachable"],
  ["EPERM", "unreachable"],
  ["ETIMEDOUT", "timeout"],
  ["UND_ERR_CONNECT_TIMEOUT", "timeout"],
  ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
  ["UND_ERR_BODY_TIMEOUT", "timeout"],
  ["UND_ERR_HEADERS_OVERFLOW", "headers"],
  ["UND_ERR_SOCKET", "cut"],
  ["ECONNRESET", "cut"],
  ["EPIPE", "cut"],
  ["UND_ERR_DESTROYED", "closed"],
  ["EPROTO", "tls"],
]);

/** Classifies an error of undici, a socket or TLS. */
export function kindOf(error: unknown): FailureKind {
  const code = codeOf(error);
  const kind = KINDS.get(code);
  if (kind !== undefined) return kind;
  if (error instanceof Error && error.name === "HTTPParserError") return "not HTTP";
  if (/^ERR_(TLS|SSL|OSSL)|CERT|SIGNATURE|^UNABLE_TO|^HOSTNAME|^INVALID_CA|^PATH_LENGTH/.test(code))
    return "tls";
  return "cut";
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
