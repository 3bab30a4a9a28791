/**
 * What the tracker sends to routers, as server-sent events (HTML, 9.2): the lists of the gate, and what changes in them.
 *
 * - `begin` comes first: who the subscribers are.
 * - `change` adds elements to lists and removes others. All changes until `ready` together are the present lists.
 * - `ready`: from now on the lists are complete.
 * - `alive`: the tracker still runs. It is sent at least every {@link ALIVE_EVERY_MS}.
 *
 * Elements are text: `ADDRESS`, `ADDRESS PORT` or `ADDRESS INFO-HASH`, with one space. An address is in canonical form
 * (RFC 5952 for IPv6), a port has no leading zeros, an info-hash has 40 lower-case hexadecimal digits.
 */

/** The number of this protocol. A reader refuses another one. */
export const GATE_FORMAT = 1;

/** Milliseconds between two `alive` events, at most. */
export const ALIVE_EVERY_MS = 5000;

/** Elements of one `change` event, at most. */
export const ELEMENTS_PER_EVENT = 4096;

/** Bounds of what a reader accepts. */
export const GATE_LIMITS = {
  /** Bytes of one event. The largest is `begin`, when an operator has many prefixes. */
  eventBytes: 16 << 20,
  homes: 1000,
  /** Address ranges of all homes together. */
  ranges: 200_000,
  /** Elements of one list. */
  elements: 4_000_000,
  /** Characters of a name. */
  nameLength: 200,
} as const;

/**
 * The lists.
 * - `refused`: address and info-hash. A handshake of this torrent between this subscriber and the outside is refused.
 * - `closed`: address and port of a subscriber that are closed in some torrent. New connections from outside to it are refused
 *   unless they begin with an unencrypted handshake, which is judged by its info-hash; so are uTP connections from it.
 * - `hosts`: address of a subscriber with such an endpoint.
 * - `far`: address and port outside. New connections of `hosts` to it are judged in the same way.
 */
export const GATE_LISTS = ["refused", "closed", "hosts", "far"] as const;

/** The name of a list. */
export type GateList = (typeof GATE_LISTS)[number];

/** Elements by list. A list without elements may be left out. */
export type GateElements = Readonly<Partial<Record<GateList, readonly string[]>>>;

/** Addresses between which no connection is ever refused. */
export interface GateHome {
  /** 1 to 65535, different for each home. */
  readonly id: number;
  /** For comments. */
  readonly name: string;
  /** The subscribers that the gate applies to, as `formatRange` writes ranges. Different homes share no address. */
  readonly members: readonly string[];
  /** All addresses of the home. The others are outside. */
  readonly inside: readonly string[];
}

/** The first event of a stream. */
export interface GateBegin {
  readonly event: "begin";
  /** {@link GATE_FORMAT}. */
  readonly format: number;
  /** The version of the lists. It grows with each change; it starts at 0 again with the tracker. */
  readonly version: number;
  /** Names this start of the tracker. */
  readonly tracker: string;
  /**
   * Seconds after the last event until every router lets everything through, at least four times {@link ALIVE_EVERY_MS}. A
   * router renews for half of that with each event.
   */
  readonly aliveSeconds: number;
  readonly homes: readonly GateHome[];
}

/**
 * A change of the lists, or a part of one. All parts have the same version.
 *
 * `cut` is no list, and is not sent again: endpoints, as in `closed`, of downloaders that have just been closed in all of
 * their torrents. The connections that such an endpoint has with the outside are cut: TCP that came in to it, and uTP.
 */
export interface GateChange {
  readonly event: "change";
  readonly version: number;
  readonly add: GateElements;
  readonly remove: GateElements;
  readonly cut?: readonly string[];
}

/** The end of the first lists, or a sign of life. */
interface GateMark {
  readonly event: "ready" | "alive";
  /** The version of the last change that was sent. */
  readonly version: number;
}

/** An event. */
export type GateEvent = GateBegin | GateChange | GateMark;

/** Encodes an event as a server-sent event. */
export function encodeGateEvent({ event, ...data }: GateEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Cuts a change into events of at most {@link ELEMENTS_PER_EVENT} elements. What is removed comes first, so that an
 * endpoint opens before another one closes.
 */
export function* changeEvents(
  version: number,
  add: GateElements,
  remove: GateElements,
  cut: readonly string[] = [],
): Generator<GateChange> {
  for (const elements of inParts(remove)) yield { event: "change", version, add: {}, remove: elements };
  for (const elements of inParts(add)) yield { event: "change", version, add: elements, remove: {} };
  for (let at = 0; at < cut.length; at += ELEMENTS_PER_EVENT)
    yield { event: "change", version, add: {}, remove: {}, cut: cut.slice(at, at + ELEMENTS_PER_EVENT) };
}

function* inParts(elements: GateElements): Generator<GateElements> {
  for (const list of GATE_LISTS) {
    const all = elements[list] ?? [];
    for (let at = 0; at < all.length; at += ELEMENTS_PER_EVENT)
      yield { [list]: all.slice(at, at + ELEMENTS_PER_EVENT) };
  }
}
