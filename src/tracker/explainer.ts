/**
 * Explains the answer that an address would get now. It runs the selection of an announce, and returns the properties
 * that decided it. It is for the control plane: nothing is stored or counted.
 */
import { Address, type Family } from "../model/address.ts";
import { AnnounceResponse, COMPACT_BYTES, LEFT_MAX } from "../model/announce.ts";
import { allocateCounters } from "../model/counters.ts";
import type { Random } from "../model/random.ts";
import { PeerSelection } from "../selection/peer-selection.ts";
import { rankOf, whyNot } from "../selection/rank.ts";
import { Requester } from "../selection/requester.ts";
import { allocateActivity } from "../store/group-activity.ts";
import {
  groupOf,
  hasPrivateAddress,
  isComplete,
  isDuplicate,
  isLearned,
  isMarked,
  isProven,
} from "../store/layout/key.ts";
import { ADDRESS_WORDS, leftOf, wordAOf, wordBAt } from "../store/layout/peer.ts";
import { equalWords } from "../store/layout/word.ts";
import { hasStalled } from "../store/peer-record.ts";
import { Segments } from "../store/segments.ts";
import { SHARD_WAIT_MS } from "../store/shard-lock.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { TrackerPolicy } from "./tracker-policy.ts";

/** The most peers of a swarm that are searched for the requester. */
const SEARCH_LIMIT = 10_000;

/** Peers of one family, group and kind. All of them are returned, or not, for the same reason. */
export interface ExplainedRun {
  readonly family: Family;
  readonly group: number;
  readonly complete: boolean;
  readonly private: boolean;
  readonly bridge: boolean;
  readonly learned: boolean;
  /** Without the requester itself. */
  readonly peers: number;
  /** Lower ranks come first. Peers that are not returned have the highest ranks. */
  readonly rank: number;
  /** Why they are not returned, for people; undefined if they are. */
  readonly whyNot: string | undefined;
}

/** A peer of the answer. */
export interface ExplainedPeer {
  readonly address: Address;
  readonly port: number;
}

/** The answer, and why it is so. */
export interface Explanation {
  readonly group: number;
  /** Whether it is another tracker's address. */
  readonly poll: boolean;
  /** Whether a peer with this address is in the swarm. If so, the answer is for that peer, otherwise for a new leecher. */
  readonly known: boolean;
  readonly seeder: boolean;
  readonly bridge: boolean;
  readonly stalled: boolean;
  readonly peers: readonly ExplainedPeer[];
  readonly runs: readonly ExplainedRun[];
}

/** Explains answers. */
export class Explainer {
  readonly #store: SwarmStore;
  readonly #selection: PeerSelection;
  readonly #response = new AnnounceResponse();
  readonly #segments = new Segments();

  constructor(store: SwarmStore, random: Random) {
    this.#store = store;
    this.#selection = new PeerSelection(store, random, allocateCounters(), allocateActivity());
  }

  /**
   * @param infoHash five words.
   * @param now seconds.
   * @returns "busy" if the shard is locked for too long; undefined if there is no such swarm.
   */
  explain(
    infoHash: Uint32Array,
    address: Address,
    numWant: number,
    policy: TrackerPolicy,
    now: number,
  ): Explanation | "busy" | undefined {
    const store = this.#store;
    const shard = store.shardOf(infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) return "busy";
    const entry = store.find(shard, infoHash);
    if (entry === 0) {
      store.leave(shard);
      return undefined;
    }
    const who = this.#loadRequester(entry, address, policy, now);
    this.#selection.select(shard, entry, policy, who, numWant, now, this.#response);
    const runs = ([4, 6] as const).flatMap((family) => this.#readRuns(entry, family, policy, who));
    store.leave(shard);
    return {
      group: who.group,
      poll: who.poll,
      known: who.isStored,
      seeder: who.seeder,
      bridge: who.marked,
      stalled: who.stalled,
      peers: [
        ...readPeers(this.#response.peers, this.#response.peerCount, 4),
        ...readPeers(this.#response.peers6, this.#response.peer6Count, 6),
      ],
      runs,
    };
  }

  /** Makes the requester: the stored peer with this address, or a new leecher. */
  #loadRequester(entry: number, address: Address, policy: TrackerPolicy, now: number): Requester {
    const store = this.#store;
    const { family } = address;
    const who = new Requester();
    who.preview = true;
    who.address.copyFrom(address);
    who.group = policy.groups.groupOf(address);
    who.left = LEFT_MAX;
    who.poll = policy.polls.isFrom(address);
    if (who.poll) return who;
    const cell = store.listCell(entry, family);
    const list = store.list(family);
    const end = Math.min(list.count(cell), SEARCH_LIMIT);
    for (let position = 0; position < end; position++) {
      const record = list.recordAt(cell, position);
      if (!isAt(store.words, record, address)) continue;
      const wordA = wordAOf(record, family);
      const state = wordBAt(store.words, wordA);
      const key = store.words[wordA];
      if (isLearned(key)) continue;
      who.seeder = isComplete(key);
      // Transferred bytes are not stored. A peer without a proven copy is assumed to have transferred nothing.
      who.filled = isComplete(key) && !isProven(key);
      who.left = who.seeder ? 0 : leftOf(state);
      who.before = who.seeder ? 0 : state;
      who.marked = isMarked(key);
      who.isDuplicate = isDuplicate(key);
      who.stalled = !who.seeder && hasStalled(state, now, who.left, policy.selection.settings.stallSeconds);
      if (family === 4) who.position4 = position;
      else who.position6 = position;
      break;
    }
    return who;
  }

  #readRuns(entry: number, family: Family, policy: TrackerPolicy, who: Requester): ExplainedRun[] {
    const segments = this.#segments;
    const own = family === 4 ? who.position4 : who.position6;
    this.#store.list(family).loadSegments(this.#store.listCell(entry, family), segments);
    return Array.from({ length: segments.count }, (_, i) => {
      const key = segments.keys[i];
      const rank = rankOf(key, policy, who);
      return {
        family,
        group: groupOf(key),
        complete: isComplete(key),
        private: hasPrivateAddress(key),
        bridge: isMarked(key),
        learned: isLearned(key),
        peers: segments.counts[i] - (segments.holds(i, own) ? 1 : 0),
        rank,
        whyNot: whyNot(rank, policy),
      };
    }).filter(({ peers }) => peers > 0);
  }
}

function isAt(words: Uint32Array, record: number, address: Address): boolean {
  return equalWords(words, record, address.words, 0, ADDRESS_WORDS[address.family]);
}

function readPeers(bytes: Uint8Array, count: number, family: Family): ExplainedPeer[] {
  const size = COMPACT_BYTES[family];
  return Array.from({ length: count }, (_, i) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + i * size, size);
    const address = new Address();
    if (family === 4) address.setIPv4(view.getUint32(0));
    else address.setIPv6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
    return { address, port: view.getUint16(size - 2) };
  });
}
