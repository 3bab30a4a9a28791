/**
 * HTTP on the data plane: from the bytes of a connection to the tracker and back. It determines the client's address,
 * which is as reliable as the list of trusted proxies.
 */
import type { Exchange, StreamService } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { AnnounceResponse } from "../model/announce.ts";
import { OK } from "../model/client-error.ts";
import { HTTP_ERROR } from "../model/http-error.ts";
import { REFUSAL } from "../model/refusals.ts";
import { OUTCOME, REQUEST } from "../model/request-counts.ts";
import { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import type { Tracker } from "../tracker/tracker.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { ascii, equalsBytes } from "../wire/ascii.ts";
import { AnnounceEncoder } from "../wire/http-announce.ts";
import { COMPLETE, INCOMPLETE } from "../wire/http-request.ts";
import { encodeScrape } from "../wire/http-scrape.ts";
import { PROXY, ProxyHeader } from "../wire/proxy-protocol.ts";
import { decodeScrapeQuery } from "../wire/scrape-query.ts";
import { ExpectedAnnounces } from "./expected-announces.ts";
import {
  FORWARDER,
  ForwardedService,
  type ForwardedTracker,
  type ForwardingPolicy,
} from "./forwarded-service.ts";
import { type AddressSet, HttpExchange, NOBODY } from "./http-exchange.ts";
import type { Refusal } from "./refusal.ts";
import type { Stopwatch } from "./request-meter.ts";
import type { UpstreamTrackers } from "./upstream-trackers.ts";

/** What a reload replaces. */
export interface HttpServicePolicy {
  /** Addresses whose PROXY header, `Forwarded` and `X-Forwarded-For` are trusted. */
  readonly trustedProxies: AddressSet;
  /** Requesters whose `ip=`, `ipv4=` and `ipv6=` are trusted. */
  readonly ipParameter: AddressSet;
  /** The policy of forwarded announces; undefined if no address may forward any. */
  readonly forwarding?: ForwardingPolicy | undefined;
}

/** {@link Exchange.state} of a connection of which nothing has been read, so that it may begin with a PROXY header. */
const NEW = 0;

/** Set in the state of all others, in which the progress of the request under way is above these bits. */
const BEGUN = 1;

/** Set in the state of a connection whose PROXY header came from a source of forwarded announces. */
const BY_SOURCE = 2;
const STATE_BITS = 2;

const ANNOUNCE_PATHS = ["/announce", "/announce.php", "/announce/"].map((path) => ascii(path));
const SCRAPE_PATHS = ["/scrape", "/scrape.php", "/scrape/"].map((path) => ascii(path));

/** The methods of the tracker that HTTP needs. */
export type HttpTracker = Pick<Tracker, "announce" | "answer" | "scrape" | "expect">;

/** Serves HTTP announces (BEP 3) and scrapes (BEP 48). One for each worker. */
export class HttpService implements StreamService {
  /** Undefined if no upstream tracker can be asked. */
  readonly #forwarded: ForwardedService | undefined;
  readonly #tracker: HttpTracker;
  readonly #http: HttpExchange;
  #policy: HttpServicePolicy = { trustedProxies: NOBODY, ipParameter: NOBODY };

  readonly #remote = new Address();
  readonly #proxyHeader = new ProxyHeader();
  readonly #announceQuery = new AnnounceQuery();
  readonly #expected = new ExpectedAnnounces();
  readonly #announceResponse = new AnnounceResponse();
  readonly #announceEncoder = new AnnounceEncoder(this.#announceResponse);
  readonly #scrapeRequest = new ScrapeRequest();
  readonly #scrapeResponse = new ScrapeResponse();

  /**
   * @param counters of model/counters.ts.
   * @param refusal records refused requests.
   * @param now the clock that requests are timed with.
   * @param forwarded what forwarded announces are served with.
   */
  constructor(
    tracker: HttpTracker,
    counters: Float64Array,
    refusal: Refusal,
    now: Stopwatch,
    forwarded?: { readonly tracker: ForwardedTracker; readonly upstreams: UpstreamTrackers },
  ) {
    this.#tracker = tracker;
    this.#http = new HttpExchange(counters, refusal, now);
    if (forwarded !== undefined) {
      const { tracker: registrar, upstreams } = forwarded;
      this.#forwarded = new ForwardedService(registrar, this.#http, counters, upstreams);
    }
  }

  /** Replaces the policy. Without one, no address is trusted. */
  configure(policy: HttpServicePolicy): void {
    this.#policy = policy;
    this.#http.trustedProxies = policy.trustedProxies;
  }

  isProxy(remote: Uint8Array): boolean {
    this.#remote.setBytes(remote, 0);
    return this.#policy.trustedProxies.lookup(this.#remote) !== 0;
  }

  beginBatch(): void {
    this.#expected.begin();
  }

  expect(input: Uint8Array, start: number, end: number): void {
    const request = this.#expected.add(input, start, end);
    if (request !== undefined) this.#tracker.expect(request);
  }

  serve(exchange: Exchange): number {
    const { input, start, end } = exchange;
    const { request, client, meter } = this.#http;
    const { forwarding } = this.#policy;
    meter.begin();
    if (exchange.state === NEW && this.#takeProxyHeader(exchange)) return 0;
    const bySource = (exchange.state & BY_SOURCE) !== 0;
    const status = request.parse(input, start, end, exchange.state >>> STATE_BITS);
    exchange.state = (exchange.state & BY_SOURCE) | BEGUN;
    if (status === INCOMPLETE) {
      exchange.state |= request.progress << STATE_BITS;
      return 0;
    }
    client.setBytes(exchange.remote, 0);
    if (status !== COMPLETE) return this.#http.refuse(exchange, REQUEST.httpOther, status);
    exchange.consumed = request.headEnd - start;
    const { pathStart, pathEnd } = request;
    if (isOneOf(SCRAPE_PATHS, input, pathStart, pathEnd)) return this.#scrape(exchange);
    if (forwarding !== undefined && this.#forwarded?.takes(exchange, forwarding, bySource))
      return this.#forwarded.serve(exchange, forwarding, bySource);
    if (isOneOf(ANNOUNCE_PATHS, input, pathStart, pathEnd)) return this.#announce(exchange);
    return this.#http.refuse(exchange, REQUEST.httpOther, HTTP_ERROR.notFound);
  }

  /**
   * Takes a PROXY header from the front of a new connection.
   * @returns whether there was one, or may come to be; else the connection begins with a request.
   */
  #takeProxyHeader(exchange: Exchange): boolean {
    const header = this.#proxyHeader;
    const { client, meter, refusal } = this.#http;
    const { trustedProxies, forwarding } = this.#policy;
    const status = header.parse(exchange.input, exchange.start, exchange.end);
    if (status === PROXY.absent) return false;
    if (status === PROXY.incomplete) return true;
    client.setBytes(exchange.remote, 0);
    if (status === PROXY.malformed || trustedProxies.lookup(client) === 0) {
      refusal.note(client, REFUSAL.proxyHeader);
      meter.end(REQUEST.httpOther, client.family, OUTCOME.malformed);
      exchange.consumed = exchange.end - exchange.start;
      exchange.close = true;
      return true;
    }
    const bySource = header.hasSource && forwarding?.forwarders.lookup(client) === FORWARDER.source;
    if (header.hasSource) header.source.writeBytes(exchange.remote, 0);
    exchange.state = bySource ? BEGUN | BY_SOURCE : BEGUN;
    exchange.consumed = header.length;
    return true;
  }

  #announce(exchange: Exchange): number {
    const { input, output, outputStart } = exchange;
    const http = this.#http;
    const { request, client } = http;
    const { queryStart, queryEnd } = request;
    const expected = this.#expected.take(input, queryStart, queryEnd);
    const query = expected ?? this.#announceQuery;
    if (!http.followProxies(input))
      return http.refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.addressConflict);
    let error = expected === undefined ? query.decode(input, queryStart, queryEnd) : OK;
    query.request.address.copyFrom(client);
    if (error === OK && this.#policy.ipParameter.lookup(client) !== 0) error = query.believeAddresses(input);
    // A resumed announce has been stored already.
    if (error === OK && exchange.resumed) this.#tracker.answer(query.request, this.#announceResponse);
    else if (error === OK) {
      error = this.#tracker.announce(query.request, this.#announceResponse, exchange);
      if (this.#announceResponse.waitMs > 0) return this.#wait(exchange);
    }
    if (error !== OK) return http.fail(exchange, REQUEST.httpAnnounce, error);
    const connection = http.connectionAfter(exchange);
    const { address } = query.request;
    const end = this.#announceEncoder.encode(output, outputStart, address, query.compact, connection);
    http.meter.end(REQUEST.httpAnnounce, client.family, OUTCOME.answered);
    return end - outputStart;
  }

  /** Defers the request until neighbors have replied. */
  #wait(exchange: Exchange): number {
    exchange.consumed = 0;
    exchange.deferMs = this.#announceResponse.waitMs;
    return 0;
  }

  #scrape(exchange: Exchange): number {
    const { input, output, outputStart } = exchange;
    const http = this.#http;
    const { request } = http;
    const scrape = this.#scrapeRequest;
    let error = decodeScrapeQuery(input, request.queryStart, request.queryEnd, scrape);
    if (error === OK) error = this.#tracker.scrape(scrape, this.#scrapeResponse);
    if (error !== OK) return http.fail(exchange, REQUEST.httpScrape, error);
    const connection = http.connectionAfter(exchange);
    const end = encodeScrape(output, outputStart, scrape, this.#scrapeResponse, connection);
    http.meter.end(REQUEST.httpScrape, http.client.family, OUTCOME.answered);
    return end - outputStart;
  }
}

function isOneOf(paths: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < paths.length; i++) if (equalsBytes(bytes, start, end, paths[i])) return true;
  return false;
}
