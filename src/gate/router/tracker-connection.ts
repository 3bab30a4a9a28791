/** Connects to a tracker: reads its events, and reports the router's counters. */
import { createGunzip } from "node:zlib";
import { Agent, type Dispatcher, request } from "undici";
import { describeFailure } from "../../platform/failure.ts";
import { GateEventReader, GateProtocolError } from "../event-reader.ts";
import { ALIVE_EVERY_MS, type GateEvent } from "../protocol.ts";
import type { GateReport } from "../report.ts";

/** Silence after which a connection is given up. */
const SILENCE_MS = 3 * ALIVE_EVERY_MS;

/** Bytes of an error that are read, and characters of its message that are shown. */
const ERROR_BYTES = 16_384;
const MESSAGE_LENGTH = 300;

/** The admin listener of a tracker. */
export interface GateSource {
  /** `https://HOST:PORT/api/v1/` */
  readonly url: string;
  /** Null: none is needed. */
  readonly token: string | null;
  /** A certificate that is trusted for any host name. Null: those of the system are trusted. */
  readonly cert: string | null;
}

/** The tracker cannot be reached, or refuses; the message says why. */
export class TrackerError extends Error {}

/** The interface of one tracker. To be closed. */
export class TrackerConnection {
  readonly #source: GateSource;
  readonly #agent: Agent;

  constructor(source: GateSource) {
    this.#source = source;
    const { cert } = source;
    this.#agent = new Agent({
      connect: cert === null ? {} : { ca: cert, checkServerIdentity: () => undefined },
    });
  }

  /**
   * Yields events until the tracker ends the stream.
   * @throws TrackerError, GateProtocolError
   */
  async *events(signal: AbortSignal): AsyncGenerator<GateEvent> {
    const headers = { Accept: "text/event-stream", "Accept-Encoding": "gzip" };
    const response = await this.#send("gate", { method: "GET", headers, signal });
    const reader = new GateEventReader();
    const type = String(response.headers["content-type"]);
    try {
      if (!type.startsWith("text/event-stream"))
        throw new TrackerError(`${this.#source.url}gate: the answer is ${type}, not text/event-stream`);
      for await (const bytes of decode(response)) yield* reader.read(bytes);
    } catch (error) {
      throw error instanceof GateProtocolError ? error : this.#failure(error);
    } finally {
      response.body.on("error", () => {}).destroy();
    }
  }

  /** Reports the router's counters. @throws TrackerError */
  async report(report: GateReport, signal: AbortSignal): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const { body } = await this.#send("gate/report", {
      method: "POST",
      headers,
      signal,
      body: JSON.stringify(report),
    });
    await body.dump();
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    path: string,
    options: Pick<Dispatcher.RequestOptions, "method" | "body" | "signal"> & {
      headers: Record<string, string>;
    },
  ): Promise<Dispatcher.ResponseData> {
    const { url, token } = this.#source;
    const authorization = token === null ? {} : { Authorization: `Bearer ${token}` };
    const response = await request(url + path, {
      ...options,
      headers: { ...options.headers, ...authorization },
      dispatcher: this.#agent,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
    }).catch((error: unknown) => {
      throw this.#failure(error);
    });
    if (response.statusCode < 300) return response;
    const said = await readMessage(response);
    throw new TrackerError(`${url}${path}: HTTP ${response.statusCode}: ${said}`);
  }

  #failure(error: unknown): TrackerError {
    if (error instanceof TrackerError) return error;
    const { code, message } = describeFailure(error);
    const why = code === "ECONNREFUSED" ? "no tracker replies" : message || code;
    return new TrackerError(`${this.#source.url}: ${why}`);
  }
}

/** The bytes of an answer, which may be compressed. */
function decode({ headers, body }: Dispatcher.ResponseData): AsyncIterable<Uint8Array> {
  return headers["content-encoding"] === "gzip" ? body.compose(createGunzip()) : body;
}

/** Reads the message of an error: the field `error`, or the text. Never throws. */
async function readMessage(response: Dispatcher.ResponseData): Promise<string> {
  let text = "";
  try {
    for await (const bytes of decode(response)) {
      text += Buffer.from(bytes).toString();
      if (text.length > ERROR_BYTES) break;
    }
  } catch {
    // What has arrived says enough.
  }
  response.body.on("error", () => {}).destroy();
  const message = /^\{"error":"([^"]*)"\}/.exec(text)?.[1] ?? text;
  return message
    .slice(0, MESSAGE_LENGTH)
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .trim();
}
