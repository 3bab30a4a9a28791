/** Announces over UDP (BEP 15): gets a connection id, caches it for a minute, then announces. */
import type { Address } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import type { FailureKind, TrackerReply } from "./outcome.ts";
import type { UdpFields } from "./outgoing-announce.ts";
import type { Target } from "./target.ts";
import type { UdpExchanges, UdpQuestion } from "./udp-exchanges.ts";
import {
  ACTION,
  decodeAnnounce,
  decodeConnect,
  decodeError,
  encodeAnnounce,
  encodeConnect,
  URL_DATA_LIMIT,
} from "./udp-messages.ts";

/** How long a client may use a connection id (BEP 15). */
const ID_LIFETIME_MS = 60_000;
const IDS_LIMIT = 4096;
/** An unresponsive address is abandoned for the host's next one after this time, in milliseconds. */
const PATIENCE_MS = 2500;

interface ConnectionId {
  readonly bytes: Uint8Array;
  readonly expiresMs: number;
}

/** Announces over UDP, with a cache of connection ids. */
export class UdpAnnouncer {
  readonly #exchanges: UdpExchanges;
  readonly #nowMs: () => number;
  /** By address and port, oldest first. */
  readonly #ids = new Map<string, ConnectionId>();

  constructor(exchanges: UdpExchanges, nowMs: () => number) {
    this.#exchanges = exchanges;
    this.#nowMs = nowMs;
  }

  /** @param addresses of the target that the guard allows, at least one. Never rejects. */
  async announce(
    target: Target,
    addresses: readonly Address[],
    fields: UdpFields,
    deadline: AbortSignal,
  ): Promise<TrackerReply | FailureKind> {
    if (!isWellFormed(fields) || target.path.length > URL_DATA_LIMIT) return "url";
    let outcome: TrackerReply | FailureKind = "timeout";
    for (const [i, address] of addresses.entries()) {
      const ask = { address, port: target.port, deadline };
      const patienceMs = i < addresses.length - 1 ? PATIENCE_MS : undefined;
      outcome = await this.#announceTo(ask, (id) => encodeAnnounce(id, fields, target.path), patienceMs);
      if ((outcome !== "timeout" && outcome !== "unreachable") || deadline.aborted) return outcome;
    }
    return outcome;
  }

  async #announceTo(
    ask: Ask,
    encode: (id: Uint8Array) => Buffer,
    patienceMs: number | undefined,
  ): Promise<TrackerReply | FailureKind> {
    const announce = (id: Uint8Array) =>
      this.#exchanges.ask<TrackerReply>({
        ...ask,
        request: encode(id),
        action: ACTION.announce,
        decode: (reply, action) => {
          if (action === ACTION.error) return decodeError(reply);
          return decodeAnnounce(reply, ask.address.family) ?? "not an announce";
        },
      });
    const key = `${formatAddress(ask.address)} ${ask.port}`;
    const known = this.#ids.get(key);
    if (known !== undefined && this.#nowMs() < known.expiresMs) {
      const outcome = await announce(known.bytes);
      if (typeof outcome !== "string" && outcome.failureReason === undefined) return outcome;
      // The tracker may have forgotten the id, and reports an error or does not reply.
      this.#ids.delete(key);
      if (typeof outcome === "string") return outcome;
    }
    const id = await this.#connect(ask, patienceMs);
    if (!(id instanceof Uint8Array)) return id;
    this.#ids.delete(key);
    if (this.#ids.size >= IDS_LIMIT) this.#ids.delete(this.#ids.keys().next().value!);
    this.#ids.set(key, { bytes: id, expiresMs: this.#nowMs() + ID_LIFETIME_MS });
    return announce(id);
  }

  #connect(ask: Ask, patienceMs: number | undefined): Promise<Uint8Array | TrackerReply | FailureKind> {
    return this.#exchanges.ask<Uint8Array | TrackerReply>({
      ...ask,
      request: encodeConnect(),
      action: ACTION.connect,
      patienceMs,
      decode: (reply, action) => {
        if (action === ACTION.error) return decodeError(reply);
        return decodeConnect(reply) ?? "not an announce";
      },
    });
  }
}

/** The destination of a request, and its deadline. */
type Ask = Pick<UdpQuestion<never>, "address" | "port" | "deadline">;

/** Whether the fields fit the datagram. */
function isWellFormed(fields: UdpFields): boolean {
  const { infoHash, peerId, downloaded, left, uploaded } = fields;
  const counts = [downloaded, left, uploaded];
  return (
    infoHash.length === 20 && peerId.length === 20 && counts.every((each) => each >= 0 && each < 2 ** 64)
  );
}
