/**
 * UDP on the data plane (BEP 15): from a datagram to the tracker and back.
 *
 * Anybody can write anybody's address on a datagram. So nothing is done for, and nothing larger than the request is
 * sent to, who has not shown a connection id, which proves that it receives what is sent to its address:
 *
 * - what is no request gets no reply;
 * - connect is answered with as many bytes as it has;
 * - an announce or a scrape without a good id gets an error of fewer bytes than it has itself. Whoever wants us to send
 *   something to somebody else gets more for his bytes with connect; a client that slept longer than its id was good
 *   for knows at once that it has to connect again, where silence would keep it waiting for 15 seconds or longer.
 *
 * Nobody is banned for a bad id: it may have been sent by somebody else.
 */
import type { DatagramExchange, DatagramService } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { AnnounceRequest, AnnounceResponse } from "../model/announce.ts";
import { CLIENT_ERROR, CLIENT_ERRORS, type ClientErrorCode, OK } from "../model/client-error.ts";
import { COUNTER } from "../model/counters.ts";
import { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import type { PrefixTable } from "../network/prefix-table.ts";
import {
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpError,
  encodeUdpScrape,
  UDP_PEER_ROOM,
} from "../wire/udp-reply.ts";
import {
  believeUdpAddress,
  decodeUdpAnnounce,
  decodeUdpScrape,
  UDP_ACTION,
  UDP_MALFORMED,
  UdpHead,
} from "../wire/udp-request.ts";
import type { ConnectionIds } from "./connection-ids.ts";
import type { Refusal } from "./refusal.ts";
import type { Tracker } from "./tracker.ts";

/** What a reload replaces: requesters whose address field is believed are those for which a lookup finds not 0. */
export interface UdpServicePolicy {
  readonly ipParameter: Pick<PrefixTable, "lookup">;
}

const MALFORMED = "a datagram that is no request of BEP 15";

/** Serves UDP announces and scrapes. One for each thread. */
export class UdpService implements DatagramService {
  readonly #tracker: Pick<Tracker, "announce" | "scrape">;
  readonly #connectionIds: ConnectionIds;
  readonly #counters: Float64Array;
  readonly #refusal: Refusal;
  #policy: UdpServicePolicy = { ipParameter: { lookup: () => 0 } };

  readonly #head = new UdpHead();
  readonly #client = new Address();
  readonly #announceRequest = new AnnounceRequest();
  readonly #announceResponse = new AnnounceResponse();
  readonly #scrapeRequest = new ScrapeRequest();
  readonly #scrapeResponse = new ScrapeResponse();

  /** @param counters indexed by COUNTER. @param refusal where the last refused request is noted. */
  constructor(
    tracker: Pick<Tracker, "announce" | "scrape">,
    connectionIds: ConnectionIds,
    counters: Float64Array,
    refusal: Refusal,
  ) {
    this.#tracker = tracker;
    this.#connectionIds = connectionIds;
    this.#counters = counters;
    this.#refusal = refusal;
  }

  /** Replaces what came before, at first that nobody is believed. */
  configure(policy: UdpServicePolicy): void {
    this.#policy = policy;
  }

  serve(exchange: DatagramExchange): number {
    const { input, start, end } = exchange;
    const head = this.#head;
    this.#client.setBytes(exchange.remote, 0);
    const action = head.parse(input, start, end);
    if (action === UDP_MALFORMED) {
      this.#counters[COUNTER.udpMalformed]++;
      this.#refusal.note(this.#client, MALFORMED);
      return 0;
    }
    if (action === UDP_ACTION.connect) return this.#connect(exchange);
    if (!this.#connectionIds.accepts(this.#client, head.connectionHigh, head.connectionLow)) {
      this.#counters[COUNTER.udpUnconnected]++;
      return this.#fail(exchange, CLIENT_ERROR.connectionInvalid);
    }
    return action === UDP_ACTION.announce ? this.#announce(exchange) : this.#scrape(exchange);
  }

  #connect({ output, outputStart }: DatagramExchange): number {
    const ids = this.#connectionIds;
    this.#counters[COUNTER.udpConnects]++;
    ids.give(this.#client);
    const { transactionId } = this.#head;
    return encodeUdpConnect(output, outputStart, transactionId, ids.high, ids.low) - outputStart;
  }

  #announce(exchange: DatagramExchange): number {
    const { input, start, output, outputStart } = exchange;
    const request = this.#announceRequest;
    const { family } = this.#client;
    this.#counters[COUNTER.udpAnnounces]++;
    let error = decodeUdpAnnounce(input, start, request);
    if (error !== OK) return this.#refuse(exchange, error);
    request.address.copyFrom(this.#client);
    request.onlyFamily = family;
    request.room = UDP_PEER_ROOM[family];
    if (this.#policy.ipParameter.lookup(this.#client) !== 0) believeUdpAddress(input, start, request);
    error = this.#tracker.announce(request, this.#announceResponse);
    if (error !== OK) return this.#refuse(exchange, error);
    const { transactionId } = this.#head;
    return (
      encodeUdpAnnounce(output, outputStart, transactionId, this.#announceResponse, family) - outputStart
    );
  }

  #scrape(exchange: DatagramExchange): number {
    const { input, start, end, output, outputStart } = exchange;
    const request = this.#scrapeRequest;
    this.#counters[COUNTER.udpScrapes]++;
    let error = decodeUdpScrape(input, start, end, request);
    if (error === OK) error = this.#tracker.scrape(request, this.#scrapeResponse);
    if (error !== OK) return this.#refuse(exchange, error);
    const { transactionId } = this.#head;
    return (
      encodeUdpScrape(output, outputStart, transactionId, this.#scrapeResponse, request.count) - outputStart
    );
  }

  /** Answers a mistake of a client that is where it says it is. */
  #refuse(exchange: DatagramExchange, error: ClientErrorCode): number {
    this.#counters[COUNTER.clientErrors]++;
    return this.#fail(exchange, error);
  }

  #fail({ output, outputStart }: DatagramExchange, error: ClientErrorCode): number {
    this.#refusal.note(this.#client, CLIENT_ERRORS[error].reason);
    return encodeUdpError(output, outputStart, this.#head.transactionId, error) - outputStart;
  }
}
