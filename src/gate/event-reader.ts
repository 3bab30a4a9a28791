/**
 * Reads the tracker's events (protocol.ts). All of it is checked before anything becomes a rule of the router: nft runs
 * as root and executes what it gets.
 */
import { z } from "zod";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { type AddressRange, parseRange } from "../network/address-ranges.ts";
import {
  ALIVE_EVERY_MS,
  ELEMENTS_PER_EVENT,
  GATE_FORMAT,
  GATE_LIMITS,
  GATE_LISTS,
  type GateChange,
  type GateEvent,
  type GateHome,
  type GateList,
} from "./protocol.ts";

/** The tracker sent what is not an event, or not one that may come now. The message says where and what. */
export class GateProtocolError extends Error {}

const ID_MAX = 65_535;
const version = z.int().min(0);
const name = z.string().max(GATE_LIMITS.nameLength);
const elements = z.partialRecord(z.enum(GATE_LISTS), z.array(z.string())).default({});
const home = z.object({
  id: z.int().min(1).max(ID_MAX),
  name,
  members: z.array(z.string()),
  inside: z.array(z.string()),
});
const begin = z.object({
  format: z.literal(GATE_FORMAT),
  version,
  tracker: name,
  aliveSeconds: z
    .int()
    .min((4 * ALIVE_EVERY_MS) / 1000)
    .max(3600),
  homes: z.array(home).max(GATE_LIMITS.homes),
});
const change = z.object({
  version,
  add: elements,
  remove: elements,
  cut: z.array(z.string()).max(ELEMENTS_PER_EVENT).optional(),
});
const mark = z.object({ version });

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const PORT = /^[1-9]\d{0,4}$/;
const PORT_MAX = 65_535;
const INFO_HASH = /^[0-9a-f]{40}$/;

/** Reads a stream of events, in pieces of any size. */
export class GateEventReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Pieces of an event that is not complete. */
  #pieces: string[] = [];
  #length = 0;
  #count = 0;
  #state: "start" | "loading" | "ready" = "start";

  /**
   * Takes the next bytes.
   * @returns the events that they complete.
   * @throws GateProtocolError. Then the reader is of no more use.
   */
  read(bytes: Uint8Array): GateEvent[] {
    let text: string;
    try {
      text = this.#decoder.decode(bytes, { stream: true });
    } catch {
      throw new GateProtocolError(`event ${this.#count + 1}: not UTF-8`);
    }
    return this.#cut(text).map((event) => {
      this.#count++;
      return this.#inOrder(this.#parse(event));
    });
  }

  /** Cuts off the complete events, which end with an empty line. */
  #cut(text: string): string[] {
    // An end may lie across the border of two pieces.
    const seam = this.#pieces.at(-1)?.endsWith("\n") && text.startsWith("\n");
    const whole = seam ? `${this.#pieces.pop()}${text}` : text;
    if (seam) this.#length -= whole.length - text.length;
    const ends = whole.split("\n\n");
    const events: string[] = [];
    for (const [i, piece] of ends.entries()) {
      this.#pieces.push(piece);
      this.#length += piece.length;
      if (this.#length > GATE_LIMITS.eventBytes)
        throw new GateProtocolError(`event ${this.#count + 1}: longer than ${GATE_LIMITS.eventBytes} bytes`);
      if (i === ends.length - 1) break;
      events.push(this.#pieces.join(""));
      this.#pieces = [];
      this.#length = 0;
    }
    return events;
  }

  #parse(text: string): GateEvent {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(text) ?? [];
    const where = `event ${this.#count} (${event ?? "?"})`;
    try {
      return parseEvent(event, data);
    } catch (error) {
      throw new GateProtocolError(`${where}: ${error instanceof Error ? error.message : error}`);
    }
  }

  #inOrder(event: GateEvent): GateEvent {
    const mayBe = { start: ["begin"], loading: ["change", "ready", "alive"], ready: ["change", "alive"] };
    if (!mayBe[this.#state].includes(event.event))
      throw new GateProtocolError(`event ${this.#count} (${event.event}): does not come here`);
    if (event.event === "begin") this.#state = "loading";
    if (event.event === "ready") this.#state = "ready";
    return event;
  }
}

/** @throws Error that describes the mistake. */
function parseEvent(event: string | undefined, data: string): GateEvent {
  switch (event) {
    case "begin": {
      const read = { event, ...check(begin, data) } as const;
      checkHomes(read.homes);
      return read;
    }
    case "change": {
      const { cut, ...lists } = check(change, data);
      const read = { event, ...lists, ...(cut === undefined ? {} : { cut }) } as const;
      checkElements(read);
      return read;
    }
    case "ready":
    case "alive":
      return { event, ...check(mark, data) };
    default:
      throw new Error("not an event of the gate");
  }
}

function check<Schema extends z.ZodType>(schema: Schema, data: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new Error("its data is not JSON");
  }
  const { data: read, error } = schema.safeParse(value);
  if (error === undefined) return read;
  const [{ path, message }] = error.issues;
  throw new Error(`${path.join(".") || "data"}: ${message}`);
}

/** Checks ranges, and that no address is a member of two homes. */
function checkHomes(homes: readonly GateHome[]): void {
  if (new Set(homes.map(({ id }) => id)).size < homes.length) throw new Error("homes: two have the same id");
  const count = homes.reduce((sum, { members, inside }) => sum + members.length + inside.length, 0);
  if (count > GATE_LIMITS.ranges) throw new Error(`homes: more than ${GATE_LIMITS.ranges} ranges`);
  for (const { id, inside } of homes) checkDisjoint(inside.map(parseRange), `inside of home ${id}`);
  checkDisjoint(
    homes.flatMap(({ members }) => members.map(parseRange)),
    "members",
  );
}

function checkDisjoint(ranges: readonly AddressRange[], what: string): void {
  const sorted = ranges.toSorted((a, b) => a.family - b.family || Number(a.first > b.first) || -1);
  for (let i = 1; i < sorted.length; i++) {
    const [before, after] = [sorted[i - 1], sorted[i]];
    if (before.family === after.family && after.first <= before.last)
      throw new Error(`homes: ${what}: two ranges overlap`);
  }
}

function checkElements(change: GateChange): void {
  let count = 0;
  for (const key of ["add", "remove"] as const) {
    for (const list of GATE_LISTS) {
      for (const [i, element] of (change[key][list] ?? []).entries()) {
        if (!isElement(list, element)) throw new Error(`${key}.${list}[${i}]: is not ${SHAPES[list]}`);
        count++;
      }
    }
  }
  for (const [i, element] of (change.cut ?? []).entries())
    if (!isElement("closed", element)) throw new Error(`cut[${i}]: is not ${SHAPES.closed}`);
  if (count > ELEMENTS_PER_EVENT) throw new Error(`more than ${ELEMENTS_PER_EVENT} elements`);
}

const SHAPES: Readonly<Record<GateList, string>> = {
  refused: '"ADDRESS INFO-HASH"',
  closed: '"ADDRESS PORT"',
  hosts: '"ADDRESS"',
  far: '"ADDRESS PORT"',
};

function isElement(list: GateList, element: string): boolean {
  if (list === "hosts") return isAddress(element);
  const space = element.indexOf(" ");
  const rest = element.slice(space + 1);
  const isRest = list === "refused" ? INFO_HASH.test(rest) : PORT.test(rest) && Number(rest) <= PORT_MAX;
  return isRest && space > 0 && isAddress(element.slice(0, space));
}

/** Whether it is an address in canonical form. */
function isAddress(text: string): boolean {
  if (!text.includes(":")) return IPV4.test(text);
  try {
    return formatAddress(parseAddress(text)) === text;
  } catch {
    return false;
  }
}
