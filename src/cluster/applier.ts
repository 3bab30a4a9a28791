/**
 * Stores what other nodes have heard. Of two announces of a peer the later one counts, by this node's clock: the time of
 * a record is when its message came, minus its age and the delay of the message. So nodes agree whatever the order in
 * which records come, and a record that comes twice changes nothing. Two announces of one second are told apart by their
 * content; a stop is stronger than an announce of the same time.
 *
 * What is stored here is marked as foreign (store/layout/key.ts), and is never sent on as this node's own.
 */
import { PeerGroups, type PeerGroupsData } from "../network/peer-groups.ts";
import { canBePeer, isPrivate } from "../network/special-purpose.ts";
import { Admission, REFUSED_ADDRESS } from "../store/admission.ts";
import { identityFrom } from "../store/client-identity.ts";
import {
  addDownloaded,
  clearFresh,
  downloadedOf,
  firstSeenOf,
  lastSeenOf,
  setFirstSeen,
  setLastSeen,
} from "../store/layout/entry.ts";
import {
  hasMark,
  isComplete,
  isForeign,
  isLearned,
  isMarked,
  provenKey,
  withForeign,
} from "../store/layout/key.ts";
import { isCounted, leftOf, setCounted, wordBAt } from "../store/layout/peer.ts";
import { peerKey } from "../store/peer-key.ts";
import { ageOf } from "../store/peer-record.ts";
import { COUNTS, PutOutcome } from "../store/peer-update.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { PeerRecord, RECORD_FLAG, type SwarmRecord } from "./record.ts";
import { makeRefusedCounts, type RefusedCounts } from "./status.ts";
import { readStored } from "./stored-record.ts";
import type { Tombstones } from "./tombstones.ts";

/** What decides how records are stored; a reload replaces it. Times in seconds. */
export interface ApplierRules {
  readonly groups: PeerGroupsData;
  readonly peerExpiry: number;
  readonly stallSeconds: number;
  readonly minDwell: number;
  readonly interval: number;
}

/** Where a record is from. */
export interface Origin {
  /** The number of the node that sent it. */
  readonly node: number;
  /** Whether private addresses from it are stored. */
  readonly sharesPrivate: boolean;
}

/** What other nodes may have to know. */
export interface ApplierListener {
  /** A peer of this node has announced later than it stopped elsewhere. @param timeMs when it announced. */
  announcedLater(record: PeerRecord, timeMs: number): void;
  /** Another node was told of a stop, which is news here. @param timeMs when the client stopped. */
  stopped(record: PeerRecord, timeMs: number, nowMs: number): void;
}

/** A peer of which another node has told, in the form in which it is stored. */
class ForeignPeer extends PeerRecord {
  readonly foreign = true;
  readonly counts = COUNTS.unknown;
  key = 0;
  identity = 0;
  completed = false;
  uploaded = false;
  minDwell = 0;
  now = 0;
  stallSeconds = 1;
  readonly admission = new Admission();
  isMember = false;
  isStopped = false;
}

/** The number of no node. */
const NOBODY = 0x7fffffff;

/** Stores records. */
export class Applier {
  /** The record to be stored next: fill it, and call {@link apply}. */
  readonly record = new ForeignPeer();
  readonly refused = makeRefusedCounts();
  readonly #store: SwarmStore;
  readonly #tombstones: Tombstones;
  readonly #outcome = new PutOutcome();
  readonly #listener: ApplierListener;
  readonly #later = new PeerRecord();
  #rules: ApplierRules;
  #groups: PeerGroups;

  constructor(store: SwarmStore, tombstones: Tombstones, rules: ApplierRules, listener: ApplierListener) {
    this.#store = store;
    this.#tombstones = tombstones;
    this.#rules = rules;
    this.#groups = new PeerGroups(rules.groups);
    this.#listener = listener;
  }

  /** Takes over the rules of a reload. */
  adopt(rules: ApplierRules): void {
    this.#rules = rules;
    this.#groups = new PeerGroups(rules.groups);
  }

  /**
   * Stores {@link record}.
   * @param timeMs when the client announced, by this node's clock. @param nowMs the time now.
   * @returns whether it changed the store.
   */
  apply(origin: Origin, timeMs: number, nowMs: number): boolean {
    const { record } = this;
    const { address, port, flags } = record;
    const { refused } = this;
    if (!canBePeer(address, port)) return refuse(refused, "unusable");
    if (!origin.sharesPrivate && isPrivate(address)) return refuse(refused, "private");
    if (nowMs - timeMs > this.#rules.peerExpiry * 1000) return refuse(refused, "tooOld");
    record.isStopped = (flags & RECORD_FLAG.stopped) !== 0;
    record.now = Math.floor(timeMs / 1000);
    if (record.isStopped) return this.#stop(origin, timeMs, nowMs);
    return this.#put(origin, timeMs, Math.floor(nowMs / 1000));
  }

  /** Takes over what is known of a swarm, if it is here. */
  applySwarm(swarm: SwarmRecord, nowMs: number): void {
    const store = this.#store;
    const { words } = store;
    const shard = store.enter(swarm.infoHash);
    const entry = store.find(shard, swarm.infoHash);
    if (entry !== 0) {
      // What storage knows of the swarm is part of what another node says of it.
      clearFresh(words, entry);
      addDownloaded(words, entry, Math.max(0, swarm.downloaded - downloadedOf(words, entry)));
      const first = Math.max(1, Math.floor(nowMs / 1000) - swarm.ageSeconds);
      setFirstSeen(words, entry, Math.min(firstSeenOf(words, entry), first));
    }
    store.leave(shard);
  }

  /**
   * Removes a peer that was stored again between its stop, which this node was told, and the note of that
   * (tombstones.ts).
   */
  removeStale({ infoHash, address, port }: PeerRecord): void {
    const store = this.#store;
    const { words } = store;
    const shard = store.enter(infoHash);
    const entry = store.find(shard, infoHash);
    if (entry !== 0) {
      const list = store.list(address.family);
      const cell = store.listCell(entry, address.family);
      const position = list.find(cell, address.words, port);
      const wordA = position === -1 ? 0 : words[list.wordAAt(cell, position)] | 0;
      if (isForeign(wordA) && !isLearned(wordA)) {
        store.removePeer(shard, entry, address.family, position);
        store.removeIfEmpty(shard, entry);
      }
    }
    store.leave(shard);
  }

  #stop({ node }: Origin, timeMs: number, nowMs: number): boolean {
    const { record } = this;
    const { infoHash, address, port } = record;
    if (!this.#tombstones.add(infoHash, address, port, timeMs, node)) {
      this.#countStopped();
      return false;
    }
    this.#listener.stopped(record, timeMs, nowMs);
    const store = this.#store;
    const shard = store.enter(infoHash);
    const entry = store.find(shard, infoHash);
    const isChanged = entry !== 0 && this.#removeBefore(shard, entry, Math.floor(nowMs / 1000));
    if ((record.flags & RECORD_FLAG.sums) !== 0) this.#followTraffic(shard);
    store.leave(shard);
    return isChanged;
  }

  /** Counts the completion of a peer that has stopped since, if it is not counted yet. */
  #countStopped(): void {
    const { infoHash, address, port, flags } = this.record;
    if ((flags & RECORD_FLAG.counted) === 0 || !this.#tombstones.markCounted(infoHash, address, port)) return;
    const store = this.#store;
    const shard = store.enter(infoHash);
    const entry = store.find(shard, infoHash);
    if (entry !== 0) addDownloaded(store.words, entry, 1);
    store.leave(shard);
  }

  /** Removes the record's peer, unless it has announced later. @returns whether it did. */
  #removeBefore(shard: number, entry: number, now: number): boolean {
    const store = this.#store;
    const { words } = store;
    const { infoHash, address, port, flags } = this.record;
    const list = store.list(address.family);
    const cell = store.listCell(entry, address.family);
    const position = list.find(cell, address.words, port);
    const hasCounted = (flags & RECORD_FLAG.counted) !== 0;
    const at = position === -1 ? 0 : list.wordAAt(cell, position);
    const wordB = at === 0 ? 0 : wordBAt(words, at);
    const isKnown = at !== 0 && !isLearned(words[at]);
    const wasCounted = isKnown && isComplete(words[at]) && isCounted(wordB);
    // It may have completed and stopped while this node did not hear of it.
    if ((hasCounted || wasCounted) && this.#tombstones.markCounted(infoHash, address, port) && !wasCounted)
      addDownloaded(words, entry, 1);
    if (!isKnown) return false;
    const heard = now - ageOf(wordB, now);
    if (heard > this.record.now) {
      // The others have removed it. This node may have told nobody of the later announce, as it knew nothing of the stop.
      if (!isForeign(words[at])) {
        readStored(words, entry, list.recordAt(cell, position), address.family, this.#later);
        this.#listener.announcedLater(this.#later, heard * 1000);
      }
      return false;
    }
    store.removePeer(shard, entry, address.family, position);
    store.removeIfEmpty(shard, entry);
    return true;
  }

  #put(origin: Origin, timeMs: number, now: number): boolean {
    const store = this.#store;
    const { record } = this;
    const { infoHash, address, port } = record;
    const { words } = store;
    const shard = store.enter(infoHash);
    let entry = store.find(shard, infoHash);
    const list = store.list(address.family);
    const position = entry === 0 ? -1 : list.find(store.listCell(entry, address.family), address.words, port);
    const at = position === -1 ? 0 : list.wordAAt(store.listCell(entry, address.family), position);
    const isNew = at === 0 || isLearned(words[at]);
    // A peer that is here has not stopped since it was heard, so a later record need not be looked for.
    const mayHaveStopped = isNew || this.#heard(at, now) >= record.now;
    if (mayHaveStopped && this.#tombstones.covers(infoHash, address, port, timeMs, origin.node)) {
      store.leave(shard);
      this.#countStopped();
      return false;
    }
    let isApplied = false;
    if (entry === 0) entry = store.addSwarm(shard, infoHash, record.now);
    if (entry === 0) this.refused.full++;
    else {
      if (isNew || this.#isLater(at, now)) {
        if (!isNew) this.#keepCounted(at, now);
        isApplied = this.#storePeer(shard, entry);
      } else this.#countLate(shard, entry, at, now);
      store.removeIfEmpty(shard, entry);
    }
    store.leave(shard);
    return isApplied;
  }

  /** When the peer whose word A is at `at` was heard, in seconds. */
  #heard(at: number, now: number): number {
    return now - ageOf(wordBAt(this.#store.words, at), now);
  }

  /** Whether the record is later than the one whose word A is at `at`, or decides for the same second. */
  #isLater(at: number, now: number): boolean {
    const { words } = this.#store;
    const { record } = this;
    const wordB = wordBAt(words, at);
    const heard = now - ageOf(wordB, now);
    // What is fetched may be this node's own announce, of which others have told. Its time is rounded twice.
    const isOwn = !isForeign(words[at]) && (record.flags & RECORD_FLAG.identity) !== 0;
    if (isOwn && record.now === heard + 1) return false;
    if (heard !== record.now) return heard < record.now;
    const left = isComplete(words[at]) ? 0 : leftOf(wordB);
    if (left !== record.left) return record.left < left;
    return (record.flags & RECORD_FLAG.marked) !== 0 && !hasMark(words[at]);
  }

  /**
   * Counts a completion of which this node hears after a later announce of the peer. Of one in the same second, the sums
   * of bytes are taken over, if they are higher.
   */
  #countLate(shard: number, entry: number, at: number, now: number): void {
    const { words } = this.#store;
    const { flags } = this.record;
    // What is fetched may be this node's own announce, of which others have told.
    const isLive = (flags & RECORD_FLAG.identity) === 0;
    if (isLive && now - ageOf(wordBAt(words, at), now) === this.record.now) {
      // The client's next announce is told of, whichever of the two nodes hears it.
      words[at] = withForeign(words[at], true);
      if ((flags & RECORD_FLAG.sums) !== 0) this.#followTraffic(shard);
    }
    if ((flags & RECORD_FLAG.counted) === 0) return;
    if (!isComplete(words[at]) || isCounted(wordBAt(words, at))) return;
    setCounted(words, at);
    if (!this.#noteCounted()) addDownloaded(words, entry, 1);
  }

  /**
   * Notes that the record's completion is counted. Not that of a record that tells of the completion itself: it is
   * another one.
   * @returns whether it was counted before, with its stop.
   */
  #noteCounted(): boolean {
    const { infoHash, address, port, flags } = this.record;
    if ((flags & RECORD_FLAG.completed) !== 0) return false;
    const wasCounted = this.#tombstones.isCounted(infoHash, address, port);
    if (!wasCounted) this.#tombstones.markCounted(infoHash, address, port);
    return wasCounted;
  }

  /**
   * Notes that the completion of a peer is counted when it begins again: the record of its stop, which has not come yet,
   * must not count it.
   */
  #keepCounted(at: number, now: number): void {
    const { words } = this.#store;
    const { infoHash, address, port, left } = this.record;
    if (left === 0 || !isComplete(words[at]) || !isCounted(wordBAt(words, at))) return;
    const heardMs = (now - ageOf(wordBAt(words, at), now)) * 1000;
    this.#tombstones.add(infoHash, address, port, heardMs, NOBODY);
    this.#tombstones.markCounted(infoHash, address, port);
  }

  #storePeer(shard: number, entry: number): boolean {
    const store = this.#store;
    const { words } = store;
    const { record } = this;
    const { address, flags, left } = record;
    const rules = this.#rules;
    const isBridgeOrProven = (flags & RECORD_FLAG.marked) !== 0;
    const group = this.#groups.groupOf(address);
    const key = peerKey(address, group, left === 0);
    record.key = left === 0 && isBridgeOrProven ? provenKey(key) : key;
    record.identity = (flags & RECORD_FLAG.identity) === 0 ? identityFrom(record.client) : record.client;
    const counted = left === 0 && (flags & RECORD_FLAG.counted) !== 0;
    const wasCounted = counted && this.#noteCounted();
    record.completed = counted && !wasCounted;
    record.uploaded = (flags & RECORD_FLAG.uploaded) !== 0;
    record.isMember = group !== 0;
    record.minDwell = rules.minDwell;
    record.stallSeconds = rules.stallSeconds;
    record.admission.set(this.#groups, store.maxPeers, rules.interval);
    const lastSeen = lastSeenOf(words, entry);
    const position = store.putPeer(shard, entry, record, this.#outcome);
    setLastSeen(words, entry, Math.max(lastSeen, record.now));
    if (position === -1) {
      this.refused[this.#outcome.refused === REFUSED_ADDRESS ? "household" : "full"]++;
      return false;
    }
    const at = store.list(address.family).wordAAt(store.listCell(entry, address.family), position);
    if (wasCounted) setCounted(words, at);
    if (left !== 0) {
      if (isMarked(words[at]) !== isBridgeOrProven) store.flipMark(shard, entry, address.family, position);
    }
    if ((flags & RECORD_FLAG.sums) !== 0) this.#followTraffic(shard);
    return true;
  }

  /** What the client reported has been counted by the node that heard it. */
  #followTraffic(shard: number): void {
    const store = this.#store;
    const { record } = this;
    record.isMember = this.#groups.groupOf(record.address) !== 0;
    store.traffic.follow(shard, store.swarmHash, record, record.now);
  }
}

function refuse(refused: RefusedCounts, reason: keyof RefusedCounts): false {
  refused[reason]++;
  return false;
}
