/**
 * What a node does when it has started: it listens for others, asks one of them for everything, and then the others for
 * the last minute, which that one may not have heard yet. If that one is at another site, it asks those of its own site for
 * everything, too. The counts of swarms come last: they include the completions that
 * are fetched before, and no completion may be counted twice.
 */
import { type CatchUp, EVERYTHING } from "./catch-up.ts";
import type { OtherNode } from "./other-node.ts";

/** How long it listens for nodes that have caught up, and for any nodes. */
const LISTEN_MS = { ready: 700, any: 3000 } as const;

const LAST_MINUTE_MS = 60_000;

/** The start of a node. */
export class Newcomer {
  /** Whether this node has caught up. */
  isReady = false;
  readonly #site: string;
  readonly #catchUp: CatchUp;
  #listeningMs: number | undefined;
  #isFetching = false;
  /** The node that is asked for everything; undefined when its counts were asked for, or there is none. */
  #donor: OtherNode | undefined;

  /** @param site of this node. */
  constructor(site: string, catchUp: CatchUp) {
    this.#site = site;
    this.#catchUp = catchUp;
  }

  /** Whether it fetches already, so that nodes that appear are asked one by one. */
  get hasBegun(): boolean {
    return this.#isFetching || this.isReady;
  }

  /** Begins again: shards of the store were lost. */
  restart(): void {
    this.isReady = false;
    this.#isFetching = false;
    this.#listeningMs = undefined;
  }

  /** Goes on, while there is a connection. @returns whether this node has just caught up. */
  tick(others: readonly OtherNode[], nowMs: number): boolean {
    if (this.isReady) return false;
    this.#listeningMs ??= nowMs;
    if (!this.#isFetching) this.#begin(others, nowMs, nowMs - this.#listeningMs);
    if (!this.#isFetching || !this.#catchUp.isDone(nowMs)) return false;
    if (this.#donor !== undefined) {
      const everything = { sinceMs: EVERYTHING, foreignToo: true, ranges: [], isOfSwarms: true };
      const donor = this.#donor.isUnresponsive ? readyOf(others, nowMs)[0] : this.#donor;
      if (donor !== undefined) this.#catchUp.request(donor, everything);
      this.#donor = undefined;
      return false;
    }
    this.isReady = true;
    return true;
  }

  #begin(others: readonly OtherNode[], nowMs: number, listenedMs: number): void {
    const live = others.filter((each) => !each.isSilent(nowMs));
    const ready = readyOf(others, nowMs);
    const donor = ready.find((each) => each.site === this.#site) ?? ready[0];
    if (listenedMs < (donor === undefined ? LISTEN_MS.any : LISTEN_MS.ready)) return;
    this.#isFetching = true;
    this.#donor = donor ?? live[0];
    const everything = { sinceMs: EVERYTHING, foreignToo: true, ranges: [], isUncounted: true };
    if (donor !== undefined) this.#catchUp.request(donor, everything);
    const lastMinute = { sinceMs: nowMs - LAST_MINUTE_MS, foreignToo: false, ranges: [], isUncounted: true };
    // A node of another site has no private addresses of this one.
    const isElsewhere = donor !== undefined && donor.site !== this.#site;
    // One that is silent now was met before this node lost its connection, or was stopped. Nothing waits for it.
    const isAskedAll = (node: OtherNode) =>
      donor === undefined || (isElsewhere && node.site === this.#site) || node.isSilent(nowMs);
    for (const node of others)
      if (node !== donor) this.#catchUp.request(node, isAskedAll(node) ? everything : lastMinute);
  }
}

/** The nodes that have caught up, and answer. */
function readyOf(others: readonly OtherNode[], nowMs: number): OtherNode[] {
  return others.filter((each) => each.isReady && !each.isSilent(nowMs) && !each.isUnresponsive);
}
