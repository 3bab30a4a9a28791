/**
 * UDP on the data plane (BEP 15): from a datagram to the tracker and back.
 *
 * The source address of a datagram can be forged. A valid connection id proves that the client receives datagrams at
 * its address. Without one, nothing is looked up (but memory may be read ahead), and no reply is longer than the request:
 *
 * - a datagram that is not a request gets no reply;
 * - the reply to connect is as long as the request;
 * - an announce or a scrape without a valid id gets an error that is shorter than the request. An attacker who forges
 *   addresses gains less from it than from connect. A client whose id has expired connects again at once; without a
 *   reply it would wait for 15 seconds or longer.
 *
 * No address is banned for an invalid id, as the address may be forged.
 */
import type { DatagramExchange, DatagramService } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { AnnounceRequest, AnnounceResponse } from "../model/announce.ts";
import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { REFUSAL } from "../model/refusals.ts";
import { OUTCOME, REQUEST, type RequestKind } from "../model/request-counts.ts";
import { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import type { PrefixTable } from "../network/prefix-table.ts";
import type { Tracker } from "../tracker/tracker.ts";
import {
  ANNOUNCE_HEAD_BYTES,
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpError,
  encodeUdpScrape,
  UDP_PEER_ROOM,
} from "../wire/udp-reply.ts";
import {
  believeUdpAddress,
  decodeUdpAnnounce,
  decodeUdpIdentity,
  decodeUdpScrape,
  isUdpAnnounce,
  UDP_ACTION,
  UDP_MALFORMED,
  UdpHead,
} from "../wire/udp-request.ts";
import type { ConnectionIds } from "./connection-ids.ts";
import type { Refusal } from "./refusal.ts";
import { RequestMeter, type Stopwatch } from "./request-meter.ts";

/** What a reload replaces: the set of requesters whose address field is trusted (a lookup does not return 0). */
export interface UdpServicePolicy {
  readonly ipParameter: Pick<PrefixTable, "lookup">;
}

/** Serves UDP announces and scrapes. One for each worker. */
export class UdpService implements DatagramService {
  readonly #tracker: Pick<Tracker, "announce" | "scrape" | "expect">;
  readonly #connectionIds: ConnectionIds;
  readonly #refusal: Refusal;
  readonly #meter: RequestMeter;
  #policy: UdpServicePolicy = { ipParameter: { lookup: () => 0 } };

  readonly #head = new UdpHead();
  readonly #client = new Address();
  readonly #announceRequest = new AnnounceRequest();
  /** An announce that is not served yet. */
  readonly #expected = new AnnounceRequest();
  readonly #announceResponse = new AnnounceResponse();
  readonly #scrapeRequest = new ScrapeRequest();
  readonly #scrapeResponse = new ScrapeResponse();

  /**
   * @param counters of model/counters.ts.
   * @param refusal records refused requests.
   * @param now the clock that requests are timed with.
   */
  constructor(
    tracker: Pick<Tracker, "announce" | "scrape" | "expect">,
    connectionIds: ConnectionIds,
    counters: Float64Array,
    refusal: Refusal,
    now: Stopwatch,
  ) {
    this.#meter = new RequestMeter(counters, now);
    this.#tracker = tracker;
    this.#connectionIds = connectionIds;
    this.#refusal = refusal;
  }

  /** Replaces the policy. Without one, no address is trusted. */
  configure(policy: UdpServicePolicy): void {
    this.#policy = policy;
  }

  expect(input: DataView, start: number, end: number): void {
    if (!isUdpAnnounce(input, start, end)) return;
    decodeUdpIdentity(input, start, this.#expected);
    this.#tracker.expect(this.#expected);
  }

  serve(exchange: DatagramExchange): number {
    const { input, start, end } = exchange;
    const head = this.#head;
    this.#meter.begin();
    this.#client.setView(exchange.remote);
    const action = head.parse(input, start, end);
    if (action === UDP_MALFORMED) {
      this.#refusal.note(this.#client, REFUSAL.datagram);
      this.#meter.end(REQUEST.udpOther, this.#client.family, OUTCOME.malformed);
      return 0;
    }
    if (action === UDP_ACTION.connect) return this.#connect(exchange);
    if (!this.#connectionIds.accepts(this.#client, head.connectionHigh, head.connectionLow)) {
      this.#meter.end(kindOf(action), this.#client.family, OUTCOME.unconnected);
      return this.#fail(exchange, CLIENT_ERROR.connectionInvalid);
    }
    return action === UDP_ACTION.announce ? this.#announce(exchange) : this.#scrape(exchange);
  }

  #connect({ output, outputStart }: DatagramExchange): number {
    const ids = this.#connectionIds;
    ids.make(this.#client);
    const { transactionId } = this.#head;
    const end = encodeUdpConnect(output, outputStart, transactionId, ids.high, ids.low);
    this.#meter.end(REQUEST.udpConnect, this.#client.family, OUTCOME.answered);
    return end - outputStart;
  }

  #announce(exchange: DatagramExchange): number {
    const { input, start, output, outputStart } = exchange;
    const request = this.#announceRequest;
    const { family } = this.#client;
    let error = decodeUdpAnnounce(input, start, request);
    if (error !== OK) return this.#refuse(exchange, REQUEST.udpAnnounce, error);
    request.address.copyFrom(this.#client);
    request.onlyFamily = family;
    request.room = UDP_PEER_ROOM[family];
    if (this.#policy.ipParameter.lookup(this.#client) !== 0) believeUdpAddress(input, start, request);
    this.#announceResponse.writePeersTo(family, output, outputStart + ANNOUNCE_HEAD_BYTES);
    error = this.#tracker.announce(request, this.#announceResponse);
    if (error !== OK) return this.#refuse(exchange, REQUEST.udpAnnounce, error);
    const { transactionId } = this.#head;
    const end = encodeUdpAnnounce(output, outputStart, transactionId, this.#announceResponse, family);
    this.#meter.end(REQUEST.udpAnnounce, family, OUTCOME.answered);
    return end - outputStart;
  }

  #scrape(exchange: DatagramExchange): number {
    const { input, start, end, output, outputStart } = exchange;
    const request = this.#scrapeRequest;
    let error = decodeUdpScrape(input, start, end, request);
    if (error === OK) error = this.#tracker.scrape(request, this.#scrapeResponse);
    if (error !== OK) return this.#refuse(exchange, REQUEST.udpScrape, error);
    const { transactionId } = this.#head;
    const scraped = encodeUdpScrape(output, outputStart, transactionId, this.#scrapeResponse, request.count);
    this.#meter.end(REQUEST.udpScrape, this.#client.family, OUTCOME.answered);
    return scraped - outputStart;
  }

  /** Replies with an error to a client with a valid connection id. */
  #refuse(exchange: DatagramExchange, kind: RequestKind, error: ClientErrorCode): number {
    this.#meter.end(kind, this.#client.family, OUTCOME.refused);
    return this.#fail(exchange, error);
  }

  #fail({ output, outputStart }: DatagramExchange, error: ClientErrorCode): number {
    this.#refusal.note(this.#client, error);
    return encodeUdpError(output, outputStart, this.#head.transactionId, error) - outputStart;
  }
}

function kindOf(action: number): RequestKind {
  return action === UDP_ACTION.announce ? REQUEST.udpAnnounce : REQUEST.udpScrape;
}
