/** The sources of handshake counts: files that a Linux router or a DPI box writes. */
import { Script } from "node:vm";
import { z } from "zod";
import type { HandshakeCounts, HandshakeDirection } from "./handshakes.ts";

/** Running totals, by direction. */
type HandshakeReading = ReadonlyMap<HandshakeDirection, HandshakeCounts>;

/** A file with counts, and its parser. */
export interface HandshakeSource {
  readonly by: "router" | "dpi";
  readonly file: string;
  /** Reads the last lines of the file. @throws Error when there are no counts in them. */
  parse(text: string): HandshakeReading;
}

/** Characters of a log line that are matched. */
const LINE_LENGTH = 1000;

/** The timeout of a match: an operator's pattern may backtrack exponentially. Much more than a busy machine needs. */
const MATCHING_MS = 500;

/** Finds the last line that matches. Its inputs are the properties of its global object. */
const LAST_MATCH = new Script(`
  const expression = new RegExp(pattern);
  lines.map((line) => line.slice(0, lineLength)).reduceRight((found, line) => found ?? expression.exec(line), null);
`);

/** The needed part of the output of `nft -j list counters` (libnftables-json(5)). */
const nftCounters = z.object({
  nftables: z.array(
    z.object({ counter: z.object({ name: z.string(), packets: z.int().min(0) }).optional() }),
  ),
});

/**
 * The counters of the router's rules.
 * @param file with the output of `nft -j list counters table …`.
 */
export function routerCounters(file: string): HandshakeSource {
  const parse = (text: string): HandshakeReading => {
    const reading = parseNftCounters(text);
    if (reading === undefined) throw new Error(`${file}: is not what nft writes of the router's counters`);
    return reading;
  };
  return { by: "router", file, parse };
}

/**
 * A DPI box's statistics.
 * @param file a log that the box appends to.
 * @param pattern a regular expression with two groups: handshakes seen and refused since the box started to count. The
 * last matching line counts.
 */
export function dpiStatistics(file: string, pattern: string): HandshakeSource {
  const parse = (text: string): HandshakeReading => {
    const inputs = { pattern, lines: text.split("\n"), lineLength: LINE_LENGTH };
    const match: RegExpExecArray | null = LAST_MATCH.runInNewContext(inputs, { timeout: MATCHING_MS });
    if (match === null) throw new Error(`${file}: no line matches the pattern`);
    const [seen, refused] = [Number(match[1]), Number(match[2])];
    if (![seen, refused].every(isCount))
      throw new Error(`${file}: "${match[1]}" and "${match[2]}" are no counts`);
    return new Map([["any", { seen, refused }]]);
  };
  return { by: "dpi", file, parse };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function parseNftCounters(text: string): HandshakeReading | undefined {
  const { data } = nftCounters.safeParse(parseJson(text));
  const packets = new Map(data?.nftables.map(({ counter }) => [counter?.name, counter?.packets]));
  const countsOf = (way: "outgoing" | "incoming") => {
    const [seen, refused] = [packets.get(`seen_${way}`), packets.get(`refused_${way}`)];
    return seen === undefined || refused === undefined ? undefined : { seen, refused };
  };
  const [out, inward] = [countsOf("outgoing"), countsOf("incoming")];
  if (out === undefined || inward === undefined) return undefined;
  return new Map([
    ["out", out],
    ["in", inward],
  ]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
