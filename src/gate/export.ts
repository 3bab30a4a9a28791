/** Encodes a list of the gate for a DPI box. */
import { GATE_FORMATS, type GateExport, type GateFormatName } from "./formats.ts";
import type { GateTables } from "./gate-tables.ts";

/** Elements in a piece: encoding one takes about a millisecond. */
const PIECE = 1024;

/** Encodes a list in pieces, so that a long list does not block the event loop. */
export function* exportList(
  { texts }: GateTables,
  list: GateExport,
  format: GateFormatName,
): Generator<Buffer<ArrayBuffer>> {
  const { begin, encode, end } = GATE_FORMATS[format];
  const chunks =
    list === "gated"
      ? texts.gatedHashes(PIECE)
      : list === "open"
        ? texts.openPairs(PIECE)
        : texts.sent(list, PIECE);
  yield Buffer.from(begin(list));
  let isFirst = true;
  for (const elements of chunks) {
    yield Buffer.from(encode(elements, list, isFirst));
    isFirst = false;
  }
  yield Buffer.from(end);
}
