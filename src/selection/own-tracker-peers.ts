/**
 * Returns unconfirmed peers (store/layout/key.ts) to a client of the tracker that returned them. They are stored among the
 * unconfirmed peers of other trackers, so each record is examined. A swarm has at most a thousand of them, and only
 * forwarded announces need this.
 */

import { countedAs, LEARNED_RETURNED_AT } from "../model/counters.ts";
import type { Random } from "../model/random.ts";
import { NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY_WIDTH, returnedAt } from "../store/group-activity.ts";
import { flippedMark, groupOf, isUnconfirmed } from "../store/layout/key.ts";
import { sourceOf } from "../store/layout/peer.ts";
import { type FamilyPeers, NOT_RETURNED, type SelectionRules } from "./policy.ts";
import { rankOf } from "./rank.ts";
import type { Requester } from "./requester.ts";

/** Writes unconfirmed peers. One for each thread. */
export class OwnTrackerPeers {
  readonly #random: Random;
  readonly #counters: Float64Array;
  readonly #activity: Float64Array;

  /** @param counters and `activity`: by model/counters.ts and group-activity.ts. */
  constructor(random: Random, counters: Float64Array, activity: Float64Array) {
    this.#random = random;
    this.#counters = counters;
    this.#activity = activity;
  }

  /**
   * Writes at most `room` peers that the requester's tracker returned, in compact form, from `offset` on. The selection
   * policy applies to them as to confirmed peers.
   * @returns the number of peers written.
   */
  write(
    { list, cell, segments }: FamilyPeers,
    rules: SelectionRules,
    who: Requester,
    room: number,
    out: DataView,
    offset: number,
  ): number {
    let at = offset;
    let written = 0;
    for (let i = 0; i < segments.count && written < room; i++) {
      const key = segments.keys[i];
      if (!isUnconfirmed(key) || rankOf(flippedMark(key), rules, who) >= NOT_RETURNED.first) continue;
      const count = segments.counts[i];
      const before = written;
      let position = this.#random.below(count);
      for (let looked = 0; looked < count && written < room; looked++) {
        const record = segments.starts[i] + position;
        if (++position === count) position = 0;
        if (sourceOf(list.wordBAt(cell, record)) !== who.source) continue;
        at = list.writeCompact(cell, record, 1, out, at);
        written++;
      }
      this.#count(groupOf(key), rules, who, written - before);
    }
    return written;
  }

  #count(group: number, { groups }: SelectionRules, who: Requester, peers: number): void {
    const { tierOf, tierCount } = groups;
    who.returned += peers;
    if (group === NO_GROUP) who.returnedOutside += peers;
    this.#counters[LEARNED_RETURNED_AT + countedAs(who.source)] += peers;
    this.#activity[who.group * ACTIVITY_WIDTH + returnedAt(tierOf[group], tierCount)] += peers;
  }
}
