/** Announces to other trackers over http, https and udp, with limits. Start here. */
import type { Address } from "../model/address.ts";
import type { AddressGuard } from "./address-guard.ts";
import { ConnectionPools } from "./connection-pools.ts";
import { CLOSED, untilDeadline } from "./deadline.ts";
import { announceOverHttp } from "./http-announce.ts";
import { type FailureKind, type NoReply, noReply, type Outcome, type TrackerReply } from "./outcome.ts";
import type { OutgoingAnnounce } from "./outgoing-announce.ts";
import { createResolver, type Resolve } from "./resolver.ts";
import { originOf, parseTarget, type Target } from "./target.ts";
import { UdpAnnouncer } from "./udp-announce.ts";
import { UdpExchanges } from "./udp-exchanges.ts";

/** Settings of a {@link TrackerClient}. */
export interface ClientSettings {
  /** Called for every address before a connection, also after redirects. */
  readonly guard: AddressGuard;
  /** Whether to refuse ports below 1024, other than 80 and 443. */
  readonly refuseLowPorts: boolean;
  /** Timeout of an announce with its redirects and retransmissions, in milliseconds. */
  readonly timeoutMs: number;
  /** Announces in flight, in total and per host and port. Beyond them the result is `busy`. */
  readonly maxInFlight: number;
  readonly maxPerHost: number;
  /** Resolves names. Default: {@link createResolver}. */
  readonly resolve?: Resolve | undefined;
}

const USER_AGENT = "BTRT";
const USER_AGENT_FORM = /^[\x20-\x7e]{1,256}$/;

/** Announces to other trackers. No reply makes it throw. */
export class TrackerClient {
  readonly #settings: ClientSettings;
  readonly #resolve: Resolve;
  readonly #pools: ConnectionPools;
  readonly #exchanges = new UdpExchanges();
  readonly #udp = new UdpAnnouncer(this.#exchanges, () => performance.now());
  readonly #inFlight = new Set<AbortController>();
  /** UDP announces in flight, by {@link originOf}. */
  readonly #udpInFlight = new Map<string, number>();
  #closed = false;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#resolve = settings.resolve ?? createResolver();
    this.#pools = new ConnectionPools({
      guard: settings.guard,
      resolve: this.#resolve,
      connectTimeoutMs: settings.timeoutMs,
      maxInFlight: settings.maxInFlight,
      maxPerHost: settings.maxPerHost,
    });
  }

  /** Announces in flight. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Datagrams that matched no request, or came from another sender. */
  get strayDatagrams(): number {
    return this.#exchanges.strays;
  }

  /** Announces. Never rejects. */
  async announce(announce: OutgoingAnnounce): Promise<Outcome> {
    const startMs = performance.now();
    const outcome = await this.#announce(announce);
    const latencyMs = performance.now() - startMs;
    if ("peers" in outcome) return { answered: true, latencyMs, ...outcome };
    return { answered: false, latencyMs, ...outcome };
  }

  /** Ends announces in flight with `closed`, and closes all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const deadline of this.#inFlight) deadline.abort(CLOSED);
    this.#exchanges.close();
    await this.#pools.close();
  }

  async #announce(announce: OutgoingAnnounce): Promise<TrackerReply | NoReply> {
    const target = parseTarget(announce.url, this.#settings.refuseLowPorts);
    if (typeof target === "string") return noReply(target);
    const { userAgent = USER_AGENT, timeoutMs = this.#settings.timeoutMs } = announce;
    if (!USER_AGENT_FORM.test(userAgent)) return noReply("url");
    if (this.#closed) return noReply("closed");
    if (this.#inFlight.size >= this.#settings.maxInFlight) return noReply("busy");
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    this.#inFlight.add(deadline);
    try {
      if (target.protocol === "udp:") return await this.#announceOverUdp(target, announce, deadline.signal);
      return await announceOverHttp(target, {
        pools: this.#pools,
        allows: (each) => each.address === undefined || this.#settings.guard(each.address, each),
        refuseLowPorts: this.#settings.refuseLowPorts,
        userAgent,
        deadline: deadline.signal,
      });
    } finally {
      clearTimeout(timer);
      this.#inFlight.delete(deadline);
    }
  }

  async #announceOverUdp(
    target: Target,
    { udp }: OutgoingAnnounce,
    deadline: AbortSignal,
  ): Promise<TrackerReply | NoReply> {
    if (udp === undefined) return noReply("url");
    const host = originOf(target);
    const others = this.#udpInFlight.get(host) ?? 0;
    if (others >= this.#settings.maxPerHost) return noReply("busy");
    this.#udpInFlight.set(host, others + 1);
    try {
      const addresses = await this.#addressesOf(target, deadline);
      if (typeof addresses === "string") return noReply(addresses);
      const allowed = addresses.filter((address) => this.#settings.guard(address, target));
      if (allowed.length === 0) return noReply("address");
      const outcome = await this.#udp.announce(target, allowed, udp, deadline);
      return typeof outcome === "string" ? noReply(outcome) : outcome;
    } finally {
      const left = this.#udpInFlight.get(host)! - 1;
      if (left === 0) this.#udpInFlight.delete(host);
      else this.#udpInFlight.set(host, left);
    }
  }

  #addressesOf(target: Target, deadline: AbortSignal): Promise<readonly Address[] | FailureKind> {
    if (target.address !== undefined) return Promise.resolve([target.address]);
    return untilDeadline<readonly Address[]>(deadline, (settle) => {
      this.#resolve(target.host).then(settle, () => settle("dns"));
    });
  }
}
