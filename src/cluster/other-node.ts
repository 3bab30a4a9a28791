/** What is known of another node. */
import { RangeDifferences } from "./digest.ts";
import type { Header } from "./message.ts";
import { type NodeStatus, UNANSWERED_MAX } from "./status.ts";

/** A node that has sent nothing for so long is silent. It sends a heartbeat each second. */
const SILENT_MS = 5000;

/** The least delay of a node's messages is that of the last one to two of these. */
const WINDOW_MS = 60_000;

/** What a jump of the sequence means for this node. */
export interface Jump {
  /** Records were missed, or the node has started again. */
  readonly isMissing: boolean;
  readonly hasRestarted: boolean;
  /** Everything that was sent before this time has been received. Milliseconds by this node's clock. */
  readonly completeMs: number;
}

/** Another node. */
export class OtherNode {
  readonly name: string;
  /** Its number here, from 1. */
  readonly number: number;
  site = "";
  version = "";
  boot = 0;
  isReady = false;
  peers = 0;
  swarms = 0;
  digestRound = 0;
  /** The number of the next record. */
  sequence = 0;
  heardMs = 0;
  lagMs = 0;
  received = 0;
  applied = 0;
  lost = 0;
  fetched = 0;
  /** Questions in a row that it has not answered in time, though it was heard. */
  unanswered = 0;
  readonly differences = new RangeDifferences();
  /** Its last digest, until this node's own is ready. */
  digest: { readonly round: number; readonly bytes: Uint8Array; readonly at: number } | undefined;
  #formerBoot = 0;
  #completeMs = 0;
  /** Our clock minus that of the messages: the least of the present window, and of the one before. */
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #windowEnd = 0;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
  }

  /** Whether a message is from a process that was replaced: two processes have this name. */
  isReplaced(boot: number): boolean {
    return boot === this.#formerBoot && boot !== 0;
  }

  /**
   * Notes a numbered message.
   * @returns when it was sent, by this node's clock and but for the least delay.
   */
  hear(header: Header, nowMs: number): number {
    this.site = header.site;
    this.heardMs = nowMs;
    if (header.boot !== this.boot) this.#leastBefore = Number.POSITIVE_INFINITY;
    if (nowMs >= this.#windowEnd || header.boot !== this.boot) {
      if (header.boot === this.boot) this.#leastBefore = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
      this.#windowEnd = nowMs + WINDOW_MS;
    }
    const difference = nowMs - header.time;
    this.#least = Math.min(this.#least, difference);
    this.lagMs = difference - Math.min(this.#least, this.#leastBefore);
    return nowMs - this.lagMs;
  }

  /** Follows the sequence. @param sentMs as {@link hear} returned it. */
  follow(header: Header, sentMs: number): Jump {
    const hasRestarted = header.boot !== this.boot;
    const missing = hasRestarted ? 0 : Math.max(0, header.first - this.sequence);
    const jump = { isMissing: missing > 0, hasRestarted, completeMs: this.#completeMs };
    if (hasRestarted) {
      this.#formerBoot = this.boot;
      this.boot = header.boot;
      this.sequence = 0;
      this.isReady = false;
      this.unanswered = 0;
    }
    this.lost += missing;
    this.sequence = Math.max(this.sequence, header.first + header.count);
    this.#completeMs = sentMs;
    return jump;
  }

  /** Whether it is heard, but does not answer questions. */
  get isUnresponsive(): boolean {
    return this.unanswered >= UNANSWERED_MAX;
  }

  isSilent(nowMs: number): boolean {
    return nowMs - this.heardMs > SILENT_MS;
  }

  status(nowMs: number): NodeStatus {
    const least = Math.min(this.#least, this.#leastBefore);
    return {
      node: this.name,
      site: this.site,
      version: this.version,
      boot: this.boot,
      state: this.isSilent(nowMs) ? "silent" : this.isReady ? "live" : "catching-up",
      lastHeardMs: Math.round(nowMs - this.heardMs),
      lagMs: Math.round(this.lagMs),
      clockOffsetMs: Number.isFinite(least) ? Math.round(-least) : 0,
      sequence: this.sequence,
      received: this.received,
      applied: this.applied,
      lost: this.lost,
      fetched: this.fetched,
      unanswered: this.unanswered,
      digestDifferences: this.differences.differing,
      peers: this.peers,
      swarms: this.swarms,
    };
  }
}
