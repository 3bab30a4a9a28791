/** Serves the lists of the gate to routers and DPI boxes. */
import { pipeline, Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { constants, createGzip } from "node:zlib";
import { z } from "zod";
import { exportList } from "../gate/export.ts";
import { GATE_EXPORTS, GATE_FORMAT_NAMES, GATE_FORMATS } from "../gate/formats.ts";
import type { Gate } from "../gate/gate.ts";
import { FOLLOWERS_MAX } from "../gate/gate-lists.ts";
import { ELEMENTS_PER_EVENT, GATE_LISTS } from "../gate/protocol.ts";
import type { GateReport } from "../gate/report.ts";
import { ApiError } from "./api-error.ts";
import type { Sources } from "./sources.ts";

const EVENT_STREAM = "text/event-stream";
const JSON_TYPE = "application/json";

/** The query of `/api/v1/gate`. */
export const gateQuerySchema = z.object({
  list: z
    .enum(GATE_EXPORTS)
    .optional()
    .describe("One list, for DPI boxes. Without it: all that routers get, as JSON or as server-sent events."),
  format: z.enum(GATE_FORMAT_NAMES).default("json").describe("The format of one list."),
});

/** The media types of its answers. */
export const GATE_TYPES: readonly string[] = [
  ...new Set([JSON_TYPE, EVENT_STREAM, ...GATE_FORMAT_NAMES.map((name) => GATE_FORMATS[name].mediaType)]),
];

/**
 * Answers with the lists. A client that accepts server-sent events gets all of them, and then what changes, until it goes.
 * @throws ApiError
 */
export function answerGate(
  { gate: { current: gate } }: Pick<Sources, "gate">,
  { list, format }: z.output<typeof gateQuerySchema>,
  request: Request,
): Response {
  if (gate === undefined) throw new ApiError(409, "gate.enabled is off");
  if (list !== undefined) {
    const headers = { "Content-Type": GATE_FORMATS[format].mediaType };
    return new Response(ReadableStream.from(inTurns(exportList(gate.watch.tables, list, format))), {
      headers,
    });
  }
  const isStream = (request.headers.get("accept") ?? "").includes(EVENT_STREAM);
  if (!isStream) return new Response(bodyOf(encodeLists(gate)), { headers: { "Content-Type": JSON_TYPE } });
  const headers = { "Content-Type": EVENT_STREAM, "Cache-Control": "no-store" };
  if (request.method === "HEAD") return new Response(null, { headers });
  if (gate.lists.followers >= FOLLOWERS_MAX) throw new ApiError(503, "too many followers");
  const events = gate.lists.follow();
  if (!/\bgzip\b/.test(request.headers.get("accept-encoding") ?? ""))
    return new Response(bodyOf(events), { headers });
  // A flush after every event: a router must not wait for the next one.
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  pipeline(Readable.from(bytesOf(events)), gzip, () => {});
  return new Response(ReadableStream.from(gzip), {
    headers: { ...headers, "Content-Encoding": "gzip", Vary: "Accept-Encoding" },
  });
}

/** Takes what a router has counted. @throws ApiError */
export function receiveReport(
  { gate: { current: gate } }: Pick<Sources, "gate">,
  report: GateReport,
): object {
  if (gate === undefined) throw new ApiError(409, "gate.enabled is off");
  gate.routers.receive(report, Date.now());
  return {};
}

function bodyOf(texts: AsyncIterable<string> | Iterable<string>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(bytesOf(texts));
}

async function* bytesOf(
  texts: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Buffer<ArrayBuffer>> {
  for await (const text of texts) yield Buffer.from(text);
}

async function* inTurns<Piece>(pieces: Iterable<Piece>): AsyncGenerator<Piece> {
  for (const piece of pieces) {
    yield piece;
    await nextTurn();
  }
}

/** A JSON object, some elements of a list at a time. */
async function* encodeLists({ lists, watch: { tables } }: Gate): AsyncGenerator<string> {
  yield JSON.stringify({ version: lists.version, homes: lists.homes }).slice(0, -1);
  for (const list of GATE_LISTS) {
    let separator = "";
    yield `,"${list}":[`;
    for (const elements of tables.texts.sent(list, ELEMENTS_PER_EVENT)) {
      yield separator + JSON.stringify(elements).slice(1, -1);
      separator = ",\n";
      await nextTurn();
    }
    yield "]";
  }
  yield "}\n";
}
