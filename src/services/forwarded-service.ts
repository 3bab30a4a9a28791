/**
 * Announces that are meant for upstream trackers. The client is registered here like any other. The upstream tracker is
 * asked if necessary. The reply has the peers that are known; if there are too few, the client waits for the upstream
 * tracker's reply first.
 */
import type { Exchange } from "../engine/engine.ts";
import { ANNOUNCE_EVENT, AnnounceResponse } from "../model/announce.ts";
import { type ClientErrorCode, OK } from "../model/client-error.ts";
import { COUNTER } from "../model/counters.ts";
import { HTTP_ERROR } from "../model/http-error.ts";
import { OUTCOME, REQUEST } from "../model/request-counts.ts";
import { addUpstreamReply, isUpstreamReply, shortenInterval } from "../tasks/upstream-reply.ts";
import type { Tracker } from "../tracker/tracker.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { FORM, ForwardedAnnounce } from "../wire/forwarded-announce.ts";
import { type HostRules, MODE, type Mode } from "../wire/host-rules.ts";
import { AnnounceEncoder } from "../wire/http-announce.ts";
import { encodeBody } from "../wire/http-reply.ts";
import type { AddressSet, HttpExchange } from "./http-exchange.ts";
import type { UpstreamTrackers } from "./upstream-trackers.ts";

/** Which addresses may forward announces to upstream trackers, and which trackers are asked. */
export interface ForwardingPolicy {
  /** {@link FORWARDER} of an address. Sources are among the trusted proxies, too. */
  readonly forwarders: AddressSet;
  readonly hosts: HostRules;
  /** How long a client waits for an upstream tracker. */
  readonly timeoutMs: number;
  /** Whether the gate is told of torrents whose tracker is ignored. */
  readonly notesIgnored?: boolean;
}

/** The two kinds of addresses that may send announces for upstream trackers. */
export const FORWARDER = {
  /** A proxy that forwards announces of its clients. The client addresses that it names are trusted. */
  source: 1,
  /** A client whose announces are redirected here. Addresses that it names are not trusted. */
  client: 2,
} as const;

/** Interval in seconds of an empty reply, while the upstream tracker is still being asked. */
const STILL_ASKING = 60;

/** The methods of the tracker that forwarded announces need. */
export type ForwardedTracker = Pick<Tracker, "register" | "answerForwarded" | "numWant">;

/** Serves forwarded announces. One for each worker. */
export class ForwardedService {
  readonly #tracker: ForwardedTracker;
  readonly #http: HttpExchange;
  readonly #counters: Float64Array;
  readonly #upstreams: UpstreamTrackers;
  readonly #announce = new ForwardedAnnounce();
  readonly #query = new AnnounceQuery();
  readonly #response = new AnnounceResponse();
  readonly #encoder = new AnnounceEncoder(this.#response);

  constructor(
    tracker: ForwardedTracker,
    http: HttpExchange,
    counters: Float64Array,
    upstreams: UpstreamTrackers,
  ) {
    this.#tracker = tracker;
    this.#http = http;
    this.#counters = counters;
    this.#upstreams = upstreams;
  }

  /**
   * Whether a request is for an upstream tracker, or would be if it were well-formed. {@link serve} answers it then.
   * @param bySource whether the connection came through a source, according to its PROXY header.
   */
  takes({ input }: Exchange, { forwarders, hosts }: ForwardingPolicy, bySource: boolean): boolean {
    const { request, client } = this.#http;
    if (!bySource && forwarders.lookup(client) === 0) return false;
    return this.#announce.read(input, request, hosts) !== FORM.ordinary;
  }

  /** Answers a request that {@link takes} was true for, or defers it. */
  serve(exchange: Exchange, policy: ForwardingPolicy, bySource: boolean): number {
    const http = this.#http;
    const { form, url } = this.#announce;
    if (form === FORM.malformed) return http.refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.trackerUrl);
    const mode = policy.hosts.modeOf(url.bytes, url.authorityStart, url.authorityEnd);
    if (mode === MODE.ignore) {
      if (policy.notesIgnored === true) this.#noteIgnored();
      return http.refuse(exchange, REQUEST.httpAnnounce, HTTP_ERROR.notOurs);
    }
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
    this.#tracker.answerForwarded(this.#query.request, this.#response, this.#upstreams.source);
    return this.#encode(exchange);
  }

  /**
   * Decodes the announce. The client's address is the one that the proxies' headers name; if a source sends none, the
   * one in the query.
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

  /** Registers the client, unless the request was deferred: then it is registered already. */
  #register(exchange: Exchange): ClientErrorCode {
    const { request } = this.#query;
    this.#upstreams.lookUp(this.#announce.url, request);
    if (exchange.resumed) return OK;
    this.#counters[COUNTER.forwarded]++;
    return this.#tracker.register(request, this.#response);
  }

  /** Tells the gate of a torrent whose tracker may keep accounts: its members need the outside. */
  #noteIgnored(): void {
    const { url } = this.#announce;
    if (this.#query.decode(url.bytes, url.queryStart, url.queryEnd) === OK)
      this.#upstreams.noteIgnored(this.#query.request);
  }

  /** Has the upstream tracker asked if necessary. @returns whether the client has to wait for its reply. */
  #haveAsked(exchange: Exchange, mode: Mode): boolean {
    const upstreams = this.#upstreams;
    const { url } = this.#announce;
    const { request } = this.#query;
    const { userAgentStart, userAgentEnd } = this.#http.request;
    const { complete, incomplete } = this.#response;
    // The client itself is counted, too.
    const lacksPeers = complete + incomplete <= this.#tracker.numWant(request);
    if (!upstreams.mustAsk(request, lacksPeers)) {
      this.#counters[COUNTER.forwardedUnasked]++;
      return false;
    }
    const wantsPeers = request.event === ANNOUNCE_EVENT.none || request.event === ANNOUNCE_EVENT.started;
    const wouldWait = wantsPeers && (mode === MODE.observe || (lacksPeers && !upstreams.isKnown));
    if (wouldWait && !exchange.mayDefer) this.#counters[COUNTER.waitsRefused]++;
    const waits = wouldWait && exchange.mayDefer;
    const token = waits ? exchange.token : 0;
    const asked = upstreams.ask(token, mode, url, request, exchange.input, userAgentStart, userAgentEnd);
    return waits && asked;
  }

  /** Writes the reply, with the upstream tracker's reply in it if there is one. */
  #encode(exchange: Exchange): number {
    const { output, outputStart } = exchange;
    const reply = isUpstreamReply(exchange.reply) ? exchange.reply : undefined;
    const http = this.#http;
    const response = this.#response;
    const { address } = this.#query.request;
    const connection = http.connectionAfter(exchange);
    http.meter.end(REQUEST.httpAnnounce, http.client.family, OUTCOME.answered);
    shortenInterval(response, reply?.interval ?? this.#upstreams.interval);
    if (reply !== undefined) addUpstreamReply(response, reply);
    const isEmpty = response.peerCount + response.peer6Count === 0;
    if (isEmpty && reply === undefined && !this.#upstreams.isKnown) shortenInterval(response, STILL_ASKING);
    if (reply !== undefined && isEmpty && reply.failure.length > 0)
      return encodeBody(output, outputStart, reply.failure, connection) - outputStart;
    const { compact } = this.#query;
    const end = this.#encoder.encode(output, outputStart, address, compact, connection, reply?.more);
    return end - outputStart;
  }
}
