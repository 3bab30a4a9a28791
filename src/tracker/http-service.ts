/**
 * HTTP on the data plane: from the bytes of a connection to the tracker and back. It decides whom an announce is
 * from, which is worth as much as the list of proxies that are believed.
 */
import type { Exchange, StreamService } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { AnnounceResponse } from "../model/announce.ts";
import { type ClientErrorCode, OK } from "../model/client-error.ts";
import { HTTP_ERROR, type HttpErrorCode } from "../model/http-error.ts";
import { httpRefusalOf, REFUSAL } from "../model/refusals.ts";
import { OUTCOME, REQUEST, type RequestKind } from "../model/request-counts.ts";
import { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import type { PrefixTable } from "../network/prefix-table.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { ascii, equalsBytes } from "../wire/ascii.ts";
import { HOP_SYNTAX, HopWalk } from "../wire/forwarded.ts";
import { AnnounceEncoder } from "../wire/http-announce.ts";
import { CONNECTION, type Connection, encodeFailure, encodeHttpError } from "../wire/http-reply.ts";
import { COMPLETE, type FieldLines, HttpRequest, INCOMPLETE } from "../wire/http-request.ts";
import { encodeScrape } from "../wire/http-scrape.ts";
import { PROXY, ProxyHeader } from "../wire/proxy-protocol.ts";
import { decodeScrapeQuery } from "../wire/scrape-query.ts";
import type { Refusal } from "./refusal.ts";
import { RequestMeter, type Stopwatch } from "./request-meter.ts";
import type { Tracker } from "./tracker.ts";

/** What a reload replaces. Addresses for which a lookup finds something other than 0 are in the set. */
export interface HttpServicePolicy {
  /** Whose PROXY header, `Forwarded` and `X-Forwarded-For` are believed. */
  readonly trustedProxies: Pick<PrefixTable, "lookup">;
  /** Requesters whose `ip=`, `ipv4=` and `ipv6=` are believed. */
  readonly ipParameter: Pick<PrefixTable, "lookup">;
}

const NOBODY = { lookup: () => 0 };

/** {@link Exchange.state} of a connection of which nothing has been read, so that it may begin with a PROXY header. */
const NEW = 0;

/** Set in the state of all others, in which the progress of the request under way is above it. */
const BEGUN = 1;

const ANNOUNCE_PATHS = ["/announce", "/announce.php", "/announce/"].map((path) => ascii(path));
const SCRAPE_PATHS = ["/scrape", "/scrape.php", "/scrape/"].map((path) => ascii(path));

/** Serves HTTP announces (BEP 3) and scrapes (BEP 48). One for each thread. */
export class HttpService implements StreamService {
  readonly #tracker: Pick<Tracker, "announce" | "scrape">;
  readonly #refusal: Refusal;
  readonly #meter: RequestMeter;
  #policy: HttpServicePolicy = { trustedProxies: NOBODY, ipParameter: NOBODY };

  readonly #proxyHeader = new ProxyHeader();
  readonly #request = new HttpRequest();
  readonly #client = new Address();
  readonly #other = new Address();
  readonly #hop = new Address();
  readonly #forwarded = new HopWalk(HOP_SYNTAX.forwarded);
  readonly #xForwardedFor = new HopWalk(HOP_SYNTAX.xForwardedFor);
  readonly #announceQuery = new AnnounceQuery();
  readonly #announceResponse = new AnnounceResponse();
  readonly #announceEncoder = new AnnounceEncoder(this.#announceResponse);
  readonly #scrapeRequest = new ScrapeRequest();
  readonly #scrapeResponse = new ScrapeResponse();

  /**
   * @param counters of counters.ts.
   * @param refusal where refused requests are noted.
   * @param now what requests are timed by.
   */
  constructor(
    tracker: Pick<Tracker, "announce" | "scrape">,
    counters: Float64Array,
    refusal: Refusal,
    now: Stopwatch,
  ) {
    this.#meter = new RequestMeter(counters, now);
    this.#tracker = tracker;
    this.#refusal = refusal;
  }

  /** Replaces what came before, at first that nobody is believed. */
  configure(policy: HttpServicePolicy): void {
    this.#policy = policy;
  }

  serve(exchange: Exchange): number {
    const { input, start, end } = exchange;
    this.#meter.begin();
    if (exchange.state === NEW && this.#takeProxyHeader(exchange)) return 0;
    const request = this.#request;
    const status = request.parse(input, start, end, exchange.state >>> 1);
    if (status === INCOMPLETE) {
      exchange.state = (request.progress << 1) | BEGUN;
      return 0;
    }
    exchange.state = BEGUN;
    this.#client.setBytes(exchange.remote, 0);
    if (status !== COMPLETE) return this.#refuse(exchange, REQUEST.httpOther, status);
    exchange.consumed = request.headEnd - start;
    const { pathStart, pathEnd } = request;
    if (isOneOf(ANNOUNCE_PATHS, input, pathStart, pathEnd)) return this.#announce(exchange);
    if (isOneOf(SCRAPE_PATHS, input, pathStart, pathEnd)) return this.#scrape(exchange);
    return this.#refuse(exchange, REQUEST.httpOther, HTTP_ERROR.notFound);
  }

  /**
   * Takes a PROXY header from the front of a new connection.
   * @returns whether there was one, or may come to be; else the connection begins with a request.
   */
  #takeProxyHeader(exchange: Exchange): boolean {
    const header = this.#proxyHeader;
    const status = header.parse(exchange.input, exchange.start, exchange.end);
    if (status === PROXY.absent) return false;
    if (status === PROXY.incomplete) return true;
    this.#client.setBytes(exchange.remote, 0);
    if (status === PROXY.malformed || this.#policy.trustedProxies.lookup(this.#client) === 0) {
      this.#refusal.note(this.#client, REFUSAL.proxyHeader);
      this.#meter.end(REQUEST.httpOther, this.#client.family, OUTCOME.malformed);
      exchange.consumed = exchange.end - exchange.start;
      exchange.close = true;
      return true;
    }
    if (header.hasSource) header.source.writeBytes(exchange.remote, 0);
    exchange.state = BEGUN;
    exchange.consumed = header.length;
    return true;
  }

  #announce(exchange: Exchange): number {
    const { input, output, outputStart } = exchange;
    const request = this.#request;
    const query = this.#announceQuery;
    const client = this.#client;
    if (!this.#followProxies(input))
      return this.#refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.addressConflict);
    let error = query.decode(input, request.queryStart, request.queryEnd);
    query.request.address.copyFrom(client);
    if (error === OK && this.#policy.ipParameter.lookup(client) !== 0) error = query.believeAddresses(input);
    if (error === OK) error = this.#tracker.announce(query.request, this.#announceResponse);
    if (error !== OK) return this.#fail(exchange, REQUEST.httpAnnounce, error);
    const connection = this.#connectionAfter(exchange);
    const { address } = query.request;
    const end = this.#announceEncoder.encode(output, outputStart, address, query.compact, connection);
    this.#meter.end(REQUEST.httpAnnounce, client.family, OUTCOME.answered);
    return end - outputStart;
  }

  #scrape(exchange: Exchange): number {
    const { input, output, outputStart } = exchange;
    const request = this.#request;
    const scrape = this.#scrapeRequest;
    let error = decodeScrapeQuery(input, request.queryStart, request.queryEnd, scrape);
    if (error === OK) error = this.#tracker.scrape(scrape, this.#scrapeResponse);
    if (error !== OK) return this.#fail(exchange, REQUEST.httpScrape, error);
    const connection = this.#connectionAfter(exchange);
    const end = encodeScrape(output, outputStart, scrape, this.#scrapeResponse, connection);
    this.#meter.end(REQUEST.httpScrape, this.#client.family, OUTCOME.answered);
    return end - outputStart;
  }

  /**
   * Moves the client's address from proxy to proxy: as long as it is a trusted one's, to the hop that this one
   * names. The rightmost address that nobody trusted vouches for is the client's.
   * @returns false when the two kinds of header lead to different addresses: one of them must be made up.
   */
  #followProxies(bytes: Uint8Array): boolean {
    const client = this.#client;
    const other = this.#other;
    const { forwarded, xForwardedFor } = this.#request;
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
    while (this.#policy.trustedProxies.lookup(address) !== 0 && walk.next(bytes, lines, hop)) {
      address.copyFrom(hop);
    }
  }

  /** What the reply says about the connection, and the exchange with it. */
  #connectionAfter(exchange: Exchange): Connection {
    const { keepAlive, isHttp10 } = this.#request;
    exchange.close = !keepAlive;
    if (!keepAlive) return CONNECTION.close;
    return isHttp10 ? CONNECTION.keepAlive : CONNECTION.unsaid;
  }

  /** Answers a mistake in the BitTorrent part. The connection goes on. */
  #fail(exchange: Exchange, kind: RequestKind, error: ClientErrorCode): number {
    const { output, outputStart } = exchange;
    this.#refusal.note(this.#client, error);
    const end = encodeFailure(output, outputStart, error, this.#connectionAfter(exchange));
    this.#meter.end(kind, this.#client.family, OUTCOME.refused);
    return end - outputStart;
  }

  /** Answers a mistake in HTTP. What else came is left as it is: nobody can say what it means. */
  #refuse(exchange: Exchange, kind: RequestKind, error: HttpErrorCode): number {
    const { output, outputStart } = exchange;
    this.#refusal.note(this.#client, httpRefusalOf(error));
    exchange.close = true;
    this.#meter.end(kind, this.#client.family, OUTCOME.malformed);
    return encodeHttpError(output, outputStart, error) - outputStart;
  }
}

function isOneOf(paths: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < paths.length; i++) if (equalsBytes(bytes, start, end, paths[i])) return true;
  return false;
}
