/**
 * Announces that are meant for external trackers: the client is registered here as any other, the external tracker is
 * asked where need be, and the client is answered with what is known, or waits a while first.
 */
import type { Exchange } from "../engine/engine.ts";
import { ANNOUNCE_EVENT, AnnounceResponse } from "../model/announce.ts";
import { type ClientErrorCode, OK } from "../model/client-error.ts";
import { COUNTER } from "../model/counters.ts";
import { HTTP_ERROR } from "../model/http-error.ts";
import { OUTCOME, REQUEST } from "../model/request-counts.ts";
import { addUpstreamReply, shortenInterval, type UpstreamReply } from "../tasks/upstream-reply.ts";
import type { Tracker } from "../tracker/tracker.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { FORM, ForwardedAnnounce } from "../wire/forwarded-announce.ts";
import { type HostRules, MODE, type Mode } from "../wire/host-rules.ts";
import { AnnounceEncoder } from "../wire/http-announce.ts";
import { encodeBody } from "../wire/http-reply.ts";
import type { ExternalTrackers } from "./external-trackers.ts";
import type { AddressSet, HttpExchange } from "./http-exchange.ts";

/** Who forwards announces that are meant for external trackers, and what becomes of them. */
export interface ForwardingPolicy {
  /** {@link FORWARDER} of an address. Sources are among the trusted proxies, too. */
  readonly forwarders: AddressSet;
  readonly hosts: HostRules;
  /** How long a client waits for an external tracker. */
  readonly timeoutMs: number;
}

/** What those are that may bring announces for external trackers. */
export const FORWARDER = {
  /** Forwards for others, and is believed about them. */
  source: 1,
  /** Is redirected here itself, and is believed nothing. */
  client: 2,
} as const;

/** A client that has got nothing, as the external tracker is still being asked, comes back after so many seconds. */
const STILL_ASKING = 60;

/** What is done for a client. */
export type ForwardedTracker = Pick<Tracker, "register" | "answerForwarded" | "numWant">;

/** Serves forwarded announces. One for each thread. */
export class ForwardedService {
  /** The upstream tracker's reply to the client whose wait ends now. */
  upstreamReply: UpstreamReply | undefined;
  readonly #tracker: ForwardedTracker;
  readonly #http: HttpExchange;
  readonly #counters: Float64Array;
  readonly #external: ExternalTrackers;
  readonly #announce = new ForwardedAnnounce();
  readonly #query = new AnnounceQuery();
  readonly #response = new AnnounceResponse();
  readonly #encoder = new AnnounceEncoder(this.#response);

  constructor(
    tracker: ForwardedTracker,
    http: HttpExchange,
    counters: Float64Array,
    external: ExternalTrackers,
  ) {
    this.#tracker = tracker;
    this.#http = http;
    this.#counters = counters;
    this.#external = external;
  }

  /**
   * Whether a request is for an external tracker, or would be if it were well-formed; then {@link serve} is its answer.
   * @param bySource whether the connection came through a source, by its PROXY header.
   */
  takes({ input }: Exchange, { forwarders, hosts }: ForwardingPolicy, bySource: boolean): boolean {
    const { request, client } = this.#http;
    if (!bySource && forwarders.lookup(client) === 0) return false;
    return this.#announce.read(input, request, hosts) !== FORM.ordinary;
  }

  /** Answers what {@link takes} was true of, or has the client wait. */
  serve(exchange: Exchange, policy: ForwardingPolicy, bySource: boolean): number {
    const http = this.#http;
    const { form, url } = this.#announce;
    if (form === FORM.malformed) return http.refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.trackerUrl);
    const mode = policy.hosts.modeOf(url.bytes, url.authorityStart, url.authorityEnd);
    if (mode === MODE.ignore) return http.refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.notOurs);
    if (!http.followProxies(exchange.input))
      return http.refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.addressConflict);
    const error = this.#decode(exchange, policy, bySource) || this.#register(exchange);
    if (error !== OK) return http.fail(exchange, REQUEST.httpAnnounce, error);
    if (!exchange.resumed && this.#haveAsked(exchange, mode)) {
      exchange.consumed = 0;
      exchange.deferMs = policy.timeoutMs;
      this.#counters[COUNTER.waits]++;
      return 0;
    }
    this.#tracker.answerForwarded(this.#query.request, this.#response, this.#external.source);
    return this.#encode(exchange);
  }

  /**
   * Decodes the announce. It is from the client that the proxies named, or from the one that a source names in the query
   * if it says nothing else.
   */
  #decode(exchange: Exchange, { forwarders }: ForwardingPolicy, bySource: boolean): ClientErrorCode {
    const query = this.#query;
    const { client } = this.#http;
    const { url, ipStart, ipEnd } = this.#announce;
    const error = query.decode(url.bytes, url.queryStart, url.queryEnd);
    query.request.address.copyFrom(client);
    if (error !== OK || bySource || forwarders.lookup(client) !== FORWARDER.source) return error;
    if (ipStart === ipEnd) return query.believeAddresses(url.bytes);
    return query.believeAddress(exchange.input, ipStart, ipEnd);
  }

  /** Remembers the client, once. */
  #register(exchange: Exchange): ClientErrorCode {
    const { request } = this.#query;
    this.#external.look(this.#announce.url, request);
    if (exchange.resumed) return OK;
    this.#counters[COUNTER.forwarded]++;
    return this.#tracker.register(request, this.#response);
  }

  /** Has the external tracker asked if that is necessary. @returns whether the client is to wait for it. */
  #haveAsked(exchange: Exchange, mode: Mode): boolean {
    const external = this.#external;
    const { url } = this.#announce;
    const { request } = this.#query;
    const { userAgentStart, userAgentEnd } = this.#http.request;
    const { complete, incomplete } = this.#response;
    // The client itself is among them.
    const lacksPeers = complete + incomplete <= this.#tracker.numWant(request);
    if (!external.mustAsk(request, lacksPeers)) {
      this.#counters[COUNTER.forwardedUnasked]++;
      return false;
    }
    const wantsPeers = request.event === ANNOUNCE_EVENT.none || request.event === ANNOUNCE_EVENT.started;
    const wouldWait = wantsPeers && (mode === MODE.observe || (lacksPeers && !external.isKnown));
    if (wouldWait && !exchange.mayDefer) this.#counters[COUNTER.waitsRefused]++;
    const waits = wouldWait && exchange.mayDefer;
    const token = waits ? exchange.token : 0;
    const asked = external.ask(token, mode, url, request, exchange.input, userAgentStart, userAgentEnd);
    return waits && asked;
  }

  /** Writes the answer, with the upstream tracker's reply if there is one. */
  #encode(exchange: Exchange): number {
    const { output, outputStart } = exchange;
    // What follows on the connection is served in the same call, and was not asked about.
    const reply = exchange.resumed ? this.upstreamReply : undefined;
    const http = this.#http;
    const response = this.#response;
    const { address } = this.#query.request;
    const connection = http.connectionAfter(exchange);
    http.meter.end(REQUEST.httpAnnounce, http.client.family, OUTCOME.answered);
    shortenInterval(response, reply?.interval ?? this.#external.interval);
    if (reply !== undefined) addUpstreamReply(response, reply);
    const isEmpty = response.peerCount + response.peer6Count === 0;
    if (isEmpty && reply === undefined && !this.#external.isKnown) shortenInterval(response, STILL_ASKING);
    if (reply !== undefined && isEmpty && reply.failure.length > 0)
      return encodeBody(output, outputStart, reply.failure, connection) - outputStart;
    const { compact } = this.#query;
    const end = this.#encoder.encode(output, outputStart, address, compact, connection, reply?.more);
    return end - outputStart;
  }
}
