/** One HTTP request under way: whose it is, and how mistakes in it are answered. */
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

/** Addresses for which a lookup finds something other than 0 are in the set. */
export type AddressSet = Pick<PrefixTable, "lookup">;

/** Nobody is in it. */
export const NOBODY: AddressSet = { lookup: () => 0 };

/** Used again for every request of a thread. */
export class HttpExchange {
  readonly request = new HttpRequest();
  readonly meter: RequestMeter;
  readonly refusal: Refusal;
  /** Who asks: the other end, or as {@link followProxies} found. */
  readonly client = new Address();
  /** Who is believed about their clients' addresses. */
  trustedProxies = NOBODY;
  readonly #other = new Address();
  readonly #hop = new Address();
  readonly #forwarded = new HopWalk(HOP_SYNTAX.forwarded);
  readonly #xForwardedFor = new HopWalk(HOP_SYNTAX.xForwardedFor);

  /**
   * @param counters of counters.ts.
   * @param refusal where refused requests are noted.
   * @param now what requests are timed by.
   */
  constructor(counters: Float64Array, refusal: Refusal, now: Stopwatch) {
    this.meter = new RequestMeter(counters, now);
    this.refusal = refusal;
  }

  /**
   * Moves the client's address from proxy to proxy: as long as it is a trusted one's, to the hop that this one
   * names. The rightmost address that nobody trusted vouches for is the client's.
   * @returns false when the two kinds of header lead to different addresses: one of them must be made up.
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

  /** What the reply says about the connection, and the exchange with it. */
  connectionAfter(exchange: Exchange): Connection {
    const { keepAlive, isHttp10 } = this.request;
    exchange.close = !keepAlive;
    if (!keepAlive) return CONNECTION.close;
    return isHttp10 ? CONNECTION.keepAlive : CONNECTION.unsaid;
  }

  /** Answers a mistake in the BitTorrent part. The connection goes on. */
  fail(exchange: Exchange, kind: RequestKind, error: ClientErrorCode): number {
    const { output, outputStart } = exchange;
    this.refusal.note(this.client, error);
    const end = encodeFailure(output, outputStart, error, this.connectionAfter(exchange));
    this.meter.end(kind, this.client.family, OUTCOME.refused);
    return end - outputStart;
  }

  /** Answers a mistake in HTTP. What else came is left as it is: nobody can say what it means. */
  refuse(exchange: Exchange, kind: RequestKind, error: HttpErrorCode): number {
    const { output, outputStart } = exchange;
    this.refusal.note(this.client, httpRefusalOf(error));
    exchange.close = true;
    this.meter.end(kind, this.client.family, OUTCOME.malformed);
    return encodeHttpError(output, outputStart, error) - outputStart;
  }
}
