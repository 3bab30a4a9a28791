/** Tells the other nodes of the cluster what an announce has changed (tasks/replication-ring.ts). */
import type { Family } from "../model/address.ts";
import { ANNOUNCE_EVENT, type AnnounceRequest } from "../model/announce.ts";
import type { Requester } from "../selection/requester.ts";
import { hasMark, isComplete } from "../store/layout/key.ts";
import { isCounted, wordBAt } from "../store/layout/peer.ts";
import type { PutOutcome } from "../store/peer-update.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { CHANGE_FLAG, type ReplicationWriter } from "../tasks/replication-ring.ts";
import { hasUploaded } from "./transferred.ts";

/** Notes what an announce changes, and writes it when the answer is complete. The caller holds the shard. */
export class Replication {
  readonly #store: SwarmStore;
  readonly #ring: ReplicationWriter;
  /** Whether others must be told of the peer's record of each family. */
  #isNews4 = false;
  #isNews6 = false;
  /** The mark of the peer before the selection policy decides on it, and whether that is noted. */
  #wasMarked = false;
  #isNoted = false;

  constructor(store: SwarmStore, ring: ReplicationWriter) {
    this.#store = store;
    this.#ring = ring;
  }

  /** Begins an announce. */
  begin(): void {
    this.#isNews4 = false;
    this.#isNews6 = false;
    this.#isNoted = false;
  }

  /** Notes that the peer is stored under its address of a family. @param position as `putPeer` returned it. */
  stored(family: Family, position: number, outcome: PutOutcome): void {
    const isNews = position !== -1 && outcome.isNews;
    if (family === 4) this.#isNews4 = isNews;
    else this.#isNews6 = isNews;
    if (!this.#isNoted) this.#wasMarked = outcome.marked;
    this.#isNoted = true;
  }

  /** Writes the peer, if others must be told. The selection policy has decided on its mark. */
  answered(entry: number, request: AnnounceRequest, who: Requester): void {
    const isMarkNew = who.marked !== this.#wasMarked;
    const { family } = request.address;
    if (isMarkNew || (family === 4 ? this.#isNews4 : this.#isNews6))
      this.#push(entry, request, false, family, who);
    if (!request.hasOther) return;
    const other = request.otherAddress.family;
    if (isMarkNew || (other === 4 ? this.#isNews4 : this.#isNews6))
      this.#push(entry, request, true, other, who);
  }

  /** Writes that a peer leaves the swarm. Call it before the peer is removed. @param position of it, or -1. */
  leaving(entry: number, request: AnnounceRequest, isOther: boolean, position: number, client: number): void {
    const { family } = isOther ? request.otherAddress : request.address;
    const isCounted = position !== -1 && this.#isCounted(entry, family, position);
    this.#ring.push(request, isOther, CHANGE_FLAG.stopped + (isCounted ? CHANGE_FLAG.counted : 0), client);
  }

  #push(entry: number, request: AnnounceRequest, isOther: boolean, family: Family, who: Requester): void {
    const position = family === 4 ? who.position4 : who.position6;
    if (position === -1) return;
    const { words } = this.#store;
    const at = this.#store.list(family).wordAAt(this.#store.listCell(entry, family), position);
    const key = words[at] | 0;
    const flags =
      (isComplete(key) && isCounted(wordBAt(words, at)) ? CHANGE_FLAG.counted : 0) +
      (hasMark(key) ? CHANGE_FLAG.marked : 0) +
      (hasUploaded(request) ? CHANGE_FLAG.uploaded : 0) +
      (request.event === ANNOUNCE_EVENT.completed ? CHANGE_FLAG.completed : 0);
    this.#ring.push(request, isOther, flags, who.client);
  }

  /** Whether `downloaded` has counted the peer. */
  #isCounted(entry: number, family: Family, position: number): boolean {
    const store = this.#store;
    const list = store.list(family);
    const cell = store.listCell(entry, family);
    const isSeed = isComplete(store.words[list.wordAAt(cell, position)]);
    return isSeed && isCounted(list.wordBAt(cell, position));
  }
}
