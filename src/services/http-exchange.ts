/** The HTTP request being served: the client's address, and replies to errors. */
import type { Exchange } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import type { ClientErrorCode } from "../model/client-error.ts";
import type { HttpErrorCode } from "../model/http-error.ts";
import { httpRefusalOf } from "../model/refusals.ts";
import { OUTCOME, type RequestKind } from "../model/request-counts.ts";
import type { PrefixTable } from "../network/prefix-table.ts";
import { HOP_SYNTAX, HopWalk } from "../wire/forwarded.ts";
import { CONNECTION, type Connection, encodeFailure, encodeHttpError } from "../wire/http-reply.ts";
import { type FieldLines, HttpRequest } from "../wire/http-request.ts";
import type { Refusal } from "./refusal.ts";
import { RequestMeter, type Stopwatch } from "./request-meter.ts";

/** A set of addresses: those for which a lookup does not return 0. */
export type AddressSet = Pick<PrefixTable, "lookup">;

/** The empty set. */
export const NOBODY: AddressSet = { lookup: () => 0 };

/** Reused for every request of a worker. */
export class HttpExchange {
  readonly request = new HttpRequest();
  readonly meter: RequestMeter;
  readonly refusal: Refusal;
  /** The client's address: the remote address, or the result of {@link followProxies}. */
  readonly client = new Address();
  /** Proxies whose headers are trusted. */
  trustedProxies = NOBODY;
  readonly #other = new Address();
  readonly #hop = new Address();
  readonly #forwarded = new HopWalk(HOP_SYNTAX.forwarded);
  readonly #xForwardedFor = new HopWalk(HOP_SYNTAX.xForwardedFor);

  /**
   * @param counters of model/counters.ts.
   * @param refusal records refused requests.
   * @param now the clock that requests are timed with.
   */
  constructor(counters: Float64Array, refusal: Refusal, now: Stopwatch) {
    this.meter = new RequestMeter(counters, now);
    this.refusal = refusal;
  }

  /**
   * Follows the proxies' headers: as long as the address is a trusted proxy's, the next hop that the headers name
   * replaces it. So the client's address is the rightmost one that is not a trusted proxy's.
   * @returns false if Forwarded and X-Forwarded-For lead to different addresses: one of them must be forged.
   */
  followProxies(bytes: Uint8Array): boolean {
    const client = this.client;
    const other = this.#other;
    const { forwarded, xForwardedFor } = this.request;
    other.copyFrom(client);
    this.#follow(bytes, this.#forwarded, forwarded, client);
    this.#follow(bytes, this.#xForwardedFor, xForwardedFor, other);
    if (forwarded.count === 0) client.copyFrom(other);
    return xForwardedFor.count === 0 || client.equals(other);
  }

  #follow(bytes: Uint8Array, walk: HopWalk, lines: FieldLines, address: Address): void {
    if (lines.count === 0) return;
    const hop = this.#hop;
    walk.open(lines);
    while (this.trustedProxies.lookup(address) !== 0 && walk.next(bytes, lines, hop)) {
      address.copyFrom(hop);
    }
  }

  /** Returns what the reply says about the connection, and closes the exchange accordingly. */
  connectionAfter(exchange: Exchange): Connection {
    const { keepAlive, isHttp10 } = this.request;
    exchange.close = !keepAlive;
    if (!keepAlive) return CONNECTION.close;
    return isHttp10 ? CONNECTION.keepAlive : CONNECTION.unsaid;
  }

  /** Replies to an error in the BitTorrent part of a request. The connection stays open. */
  fail(exchange: Exchange, kind: RequestKind, error: ClientErrorCode): number {
    const { output, outputStart } = exchange;
    this.refusal.note(this.client, error);
    const end = encodeFailure(output, outputStart, error, this.connectionAfter(exchange));
    this.meter.end(kind, this.client.family, OUTCOME.refused);
    return end - outputStart;
  }

  /** Replies to an error in HTTP, and closes the connection: where the next request begins is unknown. */
  refuse(exchange: Exchange, kind: RequestKind, error: HttpErrorCode): number {
    const { output, outputStart } = exchange;
    this.refusal.note(this.client, httpRefusalOf(error));
    exchange.close = true;
    this.meter.end(kind, this.client.family, OUTCOME.malformed);
    return encodeHttpError(output, outputStart, error) - outputStart;
  }
}
