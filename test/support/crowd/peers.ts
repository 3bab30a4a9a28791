/** The clients of a crowd: what each has announced, and so what trackers must know. */
import { Random } from "../../../src/model/random.ts";
import type { CrowdPlan } from "./protocol.ts";

/** What a tracker has answered so long before it is killed may be lost with it. Others are told after 100 ms. */
const LOST_MS = 400;
/** A tracker has written to its database what it heard so long ago (database.save_interval). */
const SAVED_MS = 130_000;
/** Trackers may need so long to tell each other. */
const KNOWN_MS = 1000;
/** One of this many peers is complete. */
const SEEDS = 8;
/** All peers have this port. */
export const PEER_PORT = 6881;

/** A client in one swarm. */
export interface Peer {
  readonly swarm: number;
  readonly address: number;
  readonly site: number;
  readonly isPrivate: boolean;
  readonly isSeed: boolean;
  /** When its first announce was answered; infinite: not yet. */
  announcedMs: number;
  /** The tracker that answered it. */
  firstTracker: number;
  /** It has announced, and has no answer yet. */
  isWaiting: boolean;
  /** A tracker was killed shortly after it had answered its first announce, or its stop, and it has not announced again. */
  isUncertain: boolean;
}

/** All clients. */
export class Peers {
  /** Those that are present, by swarm, and those that have stopped not long ago. */
  readonly swarms: Peer[][];
  /** Addresses that trackers may have or lack. */
  readonly uncertain = new Set<number>();
  /** The sites are apart since then. */
  apartSince = Number.POSITIVE_INFINITY;
  readonly #plan: CrowdPlan;
  readonly #random: Random;
  readonly #sites: number;
  readonly #stopped: { readonly peer: Peer; readonly tracker: number; readonly at: number }[] = [];
  #serial = 0;
  #next = 0;

  constructor(plan: CrowdPlan) {
    this.#plan = plan;
    this.#random = new Random([plan.seed ?? 1, 2, 3, 4]);
    this.#sites = Math.max(...plan.trackers.map(({ site }) => site)) + 1;
    this.swarms = Array.from({ length: plan.swarms }, (_, swarm) =>
      Array.from({ length: plan.peersInSwarm }, () => this.#make(swarm)),
    );
  }

  /**
   * The next peer that announces, and whether it stops. Peers announce in turn.
   * @returns undefined if that one waits for an answer: a client does not stop before.
   */
  next(): { readonly peer: Peer; readonly stops: boolean } | undefined {
    const { swarms, peersInSwarm, churn } = this.#plan;
    const at = this.#next++ % (swarms * peersInSwarm);
    const swarm = this.swarms[at % swarms];
    const place = Math.floor(at / swarms);
    const peer = swarm[place];
    if (peer.isWaiting) return undefined;
    peer.isWaiting = true;
    const stops = peer.announcedMs < Number.POSITIVE_INFINITY && this.#random.fraction() < churn;
    if (stops) swarm[place] = this.#make(peer.swarm);
    return { peer, stops };
  }

  /** A number below `below`, at random. */
  pick(below: number): number {
    return this.#random.below(below);
  }

  /** Notes that a tracker has answered. */
  answered(peer: Peer, tracker: number, stops: boolean, at: number): void {
    peer.isWaiting = false;
    if (stops) this.#stopped.push({ peer, tracker, at });
    else if (peer.announcedMs === Number.POSITIVE_INFINITY || peer.isUncertain) {
      peer.announcedMs = at;
      peer.firstTracker = tracker;
      peer.isUncertain = false;
      this.uncertain.delete(peer.address);
    }
    while (this.#stopped.length > 0 && this.#stopped[0].at < at - SAVED_MS) this.#stopped.shift();
  }

  /** Notes that a tracker was killed. */
  killed(tracker: number, at: number): void {
    const { trackers } = this.#plan;
    const { site } = trackers[tracker];
    // Nobody else has the private addresses of its site, and its database has some that have stopped.
    const isAlone = trackers.filter((each) => each.site === site).length === 1;
    const isLate = (time: number) => time >= at - LOST_MS && time <= at + LOST_MS;
    for (const swarm of this.swarms)
      for (const peer of swarm) {
        const isLost = peer.firstTracker === tracker && isLate(peer.announcedMs);
        if (isLost || (isAlone && peer.isPrivate && peer.site === site)) this.#doubt(peer);
      }
    for (const stop of this.#stopped) {
      const isLost = isLate(stop.at) || (isAlone && stop.peer.isPrivate);
      if (stop.tracker === tracker && isLost) this.#doubt(stop.peer);
    }
  }

  /**
   * Compares an answer with what its tracker must know.
   * @param addresses of the peers in the answer, without those that have stopped.
   */
  check(asker: Peer, addresses: ReadonlySet<number>, sentMs: number): "complete" | "lost" | "unexplained" {
    let result: "complete" | "lost" = "complete";
    for (const peer of this.swarms[asker.swarm]) {
      if (peer === asker || addresses.has(peer.address)) continue;
      if (peer.announcedMs > sentMs - KNOWN_MS || !this.#reaches(peer, asker.site)) continue;
      if (!peer.isUncertain) return "unexplained";
      result = "lost";
    }
    return result;
  }

  /** Whether what is announced at a peer's site must be known at another one. */
  #reaches(peer: Peer, site: number): boolean {
    if (peer.site === site) return true;
    return !peer.isPrivate && peer.announcedMs < this.apartSince - KNOWN_MS;
  }

  #doubt(peer: Peer): void {
    peer.isUncertain = true;
    this.uncertain.add(peer.address);
  }

  #make(swarm: number): Peer {
    const serial = this.#serial++;
    const site = serial % this.#sites;
    const isPrivate = this.#random.fraction() < (this.#plan.privateShare ?? 0);
    return {
      swarm,
      site,
      isPrivate,
      address: isPrivate ? (10 * 256 + site + 1) * 65_536 + (serial % 65_536) : 11 * 2 ** 24 + serial,
      isSeed: serial % SEEDS === 0,
      announcedMs: Number.POSITIVE_INFINITY,
      firstTracker: -1,
      isWaiting: false,
      isUncertain: false,
    };
  }
}

/** The site of which an address is private; -1: it is public. */
export function siteOfPrivate(address: number): number {
  return address >>> 24 === 10 ? ((address >>> 16) & 255) - 1 : -1;
}
