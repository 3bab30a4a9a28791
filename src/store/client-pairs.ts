/**
 * Finds the records of one client in a swarm. A client with IPv4 and IPv6 announces from both, and a client that
 * moved still has a record at its former address. One record of a client is *counted*, the others are *duplicates*.
 * This is decided when a record announces:
 *
 * - A new record becomes a duplicate of a counted record of the other family. Within its own family the former
 *   address becomes the duplicate, since the client has moved. A record in a peer group is counted before one in no
 *   group.
 * - A duplicate stays one while a counted record of its client in the other family announces as often. When that
 *   record is silent, the two change places. When there is none, the duplicate counts again.
 *
 * A record has few bits for the client's identity (layout/peer.ts). Two complete records are compared by port and 10
 * bits, at any age. Where one is incomplete there are 2 bits, so it must be of the other family and must have
 * announced at about the same time, as dual-stack clients do. If several have, it is the one that announced at the most
 * similar time. Two clients with equal bits, by chance or on purpose, may count as one; both records stay and are
 * returned to clients.
 *
 * Small lists are searched whole. In a large list only the last records of each run are searched, because new records
 * are there. A record that is not found there may still exist, so a duplicate stays one.
 *
 * All numbers here are signed: V8 would allocate half of all unsigned ones.
 */
import type { Family } from "../model/address.ts";
import { NO_GROUP } from "../network/peer-groups.ts";
import {
  countsAsClient,
  groupOf,
  isComplete,
  isDuplicate,
  isKeySearched,
  isLearned,
  searchMask,
  searchWord,
} from "./layout/key.ts";
import { hasIdentity, wordBAt } from "./layout/peer.ts";
import type { PeerList } from "./peer-list.ts";
import { ageOf } from "./peer-record.ts";
import { COUNTS, type PeerUpdate } from "./peer-update.ts";
import { Segments } from "./segments.ts";

/** The maximum of records that are searched in a large list: at the end of each run, and in all runs together. */
const LARGE_SEARCH = { run: 64, list: 512 } as const;

/** Seconds between the two announces of a client that announces itself from two addresses at once. */
const PAIR_SECONDS = 90;

/**
 * Another record of the client is silent if it has not announced for 1.5 times the time between the last two announces
 * of this record. In halves.
 */
const SILENT_HALVES = 3;

/**
 * Whether a record that announces again remains counted, in a swarm without peers of the other family. This is the case
 * for almost all announces, and saves the search.
 */
export function remainsCounted(
  { counts, identity, left }: PeerUpdate,
  wordA: number,
  wordB: number,
): boolean {
  const wasComplete = isComplete(wordA);
  if (!countsAsClient(wordA) || wasComplete !== (left === 0)) return false;
  const isSame = identity === 0 || hasIdentity(wordA, wordB, identity, wasComplete);
  return isSame && counts === COUNTS.unknown;
}

/** The records that a search finds: duplicates; counted records; counted records that are as complete as the client. */
const DUPLICATE = 0;
const COUNTED = 1;
const COUNTED_ALIKE = 2;
type Kind = typeof DUPLICATE | typeof COUNTED | typeof COUNTED_ALIKE;

const NONE = -1;
/** The maximum age in a search that does not accept records known by 2 bits only. */
const NEVER = -1;

/** What is known of a client's records when one of them announces. The caller passes one in and reuses it. */
export class ClientPair {
  /** Whether the record that announces is a duplicate. */
  duplicate = false;
  /** The position of the client's record in the list of the other family, or -1. */
  other = NONE;
  /** The position of another record that becomes a duplicate, or -1, and its family. */
  silent = NONE;
  silentFamily: Family = 4;
}

/** Finds out which records are one client's. One for each thread: it has scratch memory. */
export class ClientPairs {
  readonly #words: Uint32Array;
  readonly #ipv4: PeerList;
  readonly #ipv6: PeerList;
  readonly #segments = new Segments();
  /** The swarm's lists. */
  #cell4 = 0;
  #cell6 = 0;
  /** The client whose records are searched for. */
  #port = 0;
  #identity = 0;
  #complete = false;
  /** Whether the record that announces is in a peer group. */
  #isMember = false;
  #now = 0;
  /** Seconds since the record's last announce; 0 for a new one. */
  #ownAge = 0;
  /** The record that a search has found so far, and how far its announce is from those of the one that announces, in seconds. */
  #found = NONE;
  #distance = 0;

  constructor(words: Uint32Array, ipv4: PeerList, ipv6: PeerList) {
    this.#words = words;
    this.#ipv4 = ipv4;
    this.#ipv6 = ipv6;
  }

  /**
   * Decides whether a record that announces is a duplicate.
   * @param cell4 and `cell6`: the swarm's lists.
   * @param position of the record in the list of its family; -1 for a new one.
   * @param out receives the decision. All fields are set.
   */
  decide(cell4: number, cell6: number, update: PeerUpdate, position: number, out: ClientPair): void {
    out.other = NONE;
    out.silent = NONE;
    out.duplicate = this.#isDuplicate(cell4, cell6, update, position, out);
  }

  #isDuplicate(cell4: number, cell6: number, update: PeerUpdate, position: number, out: ClientPair): boolean {
    if (update.counts !== COUNTS.unknown) return update.counts === COUNTS.no;
    if (update.identity === 0) return false;
    this.#cell4 = cell4;
    this.#cell6 = cell6;
    this.#port = update.port;
    this.#identity = update.identity;
    this.#complete = update.left === 0;
    this.#isMember = groupOf(update.key) !== NO_GROUP;
    this.#now = update.now;
    this.#ownAge = 0;
    const { family } = update.address;
    if (position === NONE) return this.#joins(family, position, out);
    const at = this.#list(family).wordAAt(this.#cell(family), position);
    const wordA = this.#words[at] | 0;
    const wordB = wordBAt(this.#words, at);
    if (isLearned(wordA) || !this.#isSame(wordA, wordB)) return this.#joins(family, position, out);
    this.#ownAge = ageOf(wordB, update.now);
    const seconds = Math.max(PAIR_SECONDS, Math.floor((SILENT_HALVES * this.#ownAge) / 2));
    if (isDuplicate(wordA)) return this.#remains(family, position, seconds, out);
    if (isComplete(wordA) !== this.#complete) return this.#joins(family, position, out);
    const other = otherFamily(family);
    if (!this.#isLarge(other)) out.other = this.#find(other, DUPLICATE, seconds, NONE);
    return false;
  }

  /** Handles a record that is new, has become this client's, or has become complete. */
  #joins(family: Family, position: number, out: ClientPair): boolean {
    const other = otherFamily(family);
    out.other = this.#find(other, COUNTED_ALIKE, PAIR_SECONDS, NONE);
    if (out.other !== NONE)
      return !this.#isMember || this.#isMemberAt(other, out.other) || this.#displace(other, out.other, out);
    if (!this.#complete) return false;
    const former = this.#find(family, COUNTED_ALIKE, NEVER, position);
    if (former === NONE) return false;
    return (!this.#isMember && this.#isMemberAt(family, former)) || this.#displace(family, former, out);
  }

  /** Handles a duplicate that announces again. @param seconds without an announce after which a record is silent. */
  #remains(family: Family, position: number, seconds: number, out: ClientPair): boolean {
    const other = otherFamily(family);
    out.other = this.#find(other, COUNTED, seconds, NONE);
    if (out.other === NONE) {
      // A client that has moved does not announce from its former address. So these are two clients with equal bits.
      const isAlike = this.#find(family, COUNTED, NEVER, position) !== NONE;
      return !isAlike && (this.#isLarge(family) || this.#isLarge(other));
    }
    const isActive = ageOf(this.#list(other).wordBAt(this.#cell(other), out.other), this.#now) <= seconds;
    return isActive || this.#displace(other, out.other, out);
  }

  /** Makes a counted record a duplicate. The record that announces is counted instead. */
  #displace(family: Family, position: number, out: ClientPair): false {
    out.silent = position;
    out.silentFamily = family;
    return false;
  }

  /** Whether a record is in a peer group. */
  #isMemberAt(family: Family, position: number): boolean {
    const wordA = this.#list(family).wordAAt(this.#cell(family), position);
    return groupOf(this.#words[wordA]) !== NO_GROUP;
  }

  /**
   * The position of one of the client's records in the list of a family, or -1. Of several records, it is the one whose last
   * announce is nearest in time to this announce or the one before.
   * @param kind which records are searched for.
   * @param seconds the maximum age of a record that is known by 2 bits only, or {@link NEVER}.
   * @param skip a position that is not searched, or -1.
   */
  #find(family: Family, kind: Kind, seconds: number, skip: number): number {
    const list = this.#list(family);
    const cell = this.#cell(family);
    const count = list.count(cell);
    if (count === 0) return NONE;
    const alike = kind === COUNTED_ALIKE;
    const mask = searchMask(alike);
    const word = searchWord(this.#port, this.#identity, kind === DUPLICATE, alike && this.#complete);
    this.#found = NONE;
    if (!list.isLarge(cell)) {
      this.#findIn(list, cell, 0, count, mask, word, seconds, skip);
      return this.#found;
    }
    const segments = this.#segments;
    list.loadSegments(cell, segments);
    let left: number = LARGE_SEARCH.list;
    for (let i = 0; i < segments.count && left > 0; i++) {
      if (!isKeySearched(segments.keys[i], mask, word)) continue;
      const end = segments.starts[i] + segments.counts[i];
      const start = Math.max(segments.starts[i], end - Math.min(left, LARGE_SEARCH.run));
      left -= end - start;
      this.#findIn(list, cell, start, end, mask, word, seconds, skip);
    }
    return this.#found;
  }

  /** Searches the positions `[start, end)`, and sets `#found`. */
  #findIn(
    list: PeerList,
    cell: number,
    start: number,
    end: number,
    mask: number,
    word: number,
    seconds: number,
    skip: number,
  ): void {
    for (let at = start; at < end; at++) {
      at = list.findWord(cell, at, end, mask, word);
      if (at === NONE) return;
      if (at === skip || !this.#isClients(list, cell, at, seconds)) continue;
      const age = ageOf(list.wordBAt(cell, at), this.#now);
      const distance = Math.min(age, Math.abs(age - this.#ownAge));
      if (this.#found !== NONE && distance > this.#distance) continue;
      this.#found = at;
      this.#distance = distance;
    }
  }

  #isClients(list: PeerList, cell: number, position: number, seconds: number): boolean {
    const at = list.wordAAt(cell, position);
    const wordA = this.#words[at] | 0;
    const wordB = wordBAt(this.#words, at);
    if (!this.#isSame(wordA, wordB)) return false;
    const isCertain = this.#complete && isComplete(wordA);
    return isCertain || ageOf(wordB, this.#now) <= seconds;
  }

  /** Whether a record has the client's identity, as far as both have one. */
  #isSame(wordA: number, wordB: number): boolean {
    return hasIdentity(wordA, wordB, this.#identity, this.#complete && isComplete(wordA));
  }

  #list(family: Family): PeerList {
    return family === 4 ? this.#ipv4 : this.#ipv6;
  }

  #cell(family: Family): number {
    return family === 4 ? this.#cell4 : this.#cell6;
  }

  #isLarge(family: Family): boolean {
    const list = this.#list(family);
    const cell = this.#cell(family);
    return list.count(cell) > 0 && list.isLarge(cell);
  }
}

function otherFamily(family: Family): Family {
  return family === 4 ? 6 : 4;
}
