/**
 * The policy `bridged`: who is given peers outside its home. Putting near peers first keeps nothing inside in a swarm
 * that is smaller than an answer, and most are; limiting who meets the outside does.
 *
 * A few downloading clients of each home and swarm are its *bridges*: they are given outside peers, the others find
 * the pieces at home. A client becomes a bridge when it announces and its home needs one, and stops being one when it
 * completes, stalls, is not heard of for its lease, or when there are complete copies enough at home. A client that
 * lags far behind the bridges becomes another: they do not pass on what they fetch. Whoever stalls is given outside
 * peers, bridge or not: nobody is worse off for long.
 */

import { LEFT_MAX } from "../model/announce.ts";
import { isHome } from "./home.ts";
import type { PeerList } from "./peer-list.ts";
import { ageOf, KEY_BRIDGE, KEY_COMPLETE, KEY_GROUP, KEY_PRIVATE, leftOf } from "./peer-record.ts";
import type { Requester } from "./requester.ts";
import type { Segments } from "./segments.ts";
import { bridgedInterval } from "./selection-settings.ts";
import type { TrackerPolicy } from "./tracker-policy.ts";

/** A bridge that has not been heard of for so many of its intervals has lost its lease. */
const LEASE_INTERVALS = 2;

/** A complete copy is counted on to serve so many leechers at home; with more of them, bridges go on. */
const LEECHERS_PER_SEED = 4;

/** A leecher lags when it has twice as much left as a bridge: an octave of coarseLeft. */
const LAG = 64;

/** There can be an additional bridge for every so many leechers, if they lag. */
const LEECHERS_PER_BRIDGE = 4;

/** The peers of one family: a list, its runs, and the requester's own position in it, or -1. */
interface HomePeers {
  readonly list: PeerList;
  readonly cell: number;
  readonly segments: Segments;
  readonly requester: number;
}

/** What a requester's home has of a swarm, the requester itself left out, and what follows from it. */
export class HomeCensus {
  #leechers = 0;
  #seeds = 0;
  #bridges = 0;
  /** The least that a bridge has left, by coarseLeft. */
  #leastLeft = LEFT_MAX;

  /** Forgets what was counted. */
  clear(): void {
    this.#leechers = 0;
    this.#seeds = 0;
    this.#bridges = 0;
    this.#leastLeft = LEFT_MAX;
  }

  /** Adds the peers of one family that the requester could be given at home. */
  add(candidates: HomePeers, { groups, selection }: TrackerPolicy, who: Requester, now: number): void {
    const { list, cell, segments, requester } = candidates;
    const lease = LEASE_INTERVALS * bridgedInterval(selection);
    for (let i = 0; i < segments.count; i++) {
      const key = segments.keys[i];
      const group = key & KEY_GROUP;
      if (!isHome(selection.home, groups, who.group, group)) continue;
      if ((key & KEY_PRIVATE) !== 0 && !groups.reaches(group, who.group)) continue;
      const others = segments.counts[i] - (segments.holds(i, requester) ? 1 : 0);
      if ((key & KEY_COMPLETE) !== 0) this.#seeds += others;
      else this.#leechers += others;
      if ((key & KEY_BRIDGE) === 0) continue;
      const end = segments.starts[i] + segments.counts[i];
      for (let position = segments.starts[i]; position < end; position++) {
        const state = list.stateAt(cell, position);
        if (position === requester || ageOf(state, now) > lease) continue;
        this.#bridges++;
        this.#leastLeft = Math.min(this.#leastLeft, leftOf(state));
      }
    }
  }

  /** Whether the requester is to be a bridge from now on: its home needs one more, and it gets on. */
  needsBridge(policy: TrackerPolicy, who: Requester): boolean {
    if (who.seeder || who.stalled || this.#hasSeedsEnough(policy)) return false;
    if (this.#bridges < policy.selection.bridges) return true;
    const lags = who.bridge || who.left - this.#leastLeft >= LAG;
    return (
      lags && this.#bridges < policy.selection.bridges + Math.floor(this.#leechers / LEECHERS_PER_BRIDGE)
    );
  }

  /** Whether the requester is given outside peers though it is no bridge. */
  needsOutside({ selection }: TrackerPolicy, who: Requester): boolean {
    if (who.seeder) return this.#leechers < selection.enough;
    if (who.stalled) return true;
    const path = this.#bridges + this.#seeds > 0;
    return !path && this.#leechers < selection.enough;
  }

  /** Whether the home's leechers depend on bridges, and have to announce often enough to notice when one is lost. */
  dependsOnBridges(policy: TrackerPolicy, who: Requester): boolean {
    return !who.seeder && !this.#hasSeedsEnough(policy);
  }

  #hasSeedsEnough({ selection }: TrackerPolicy): boolean {
    return this.#seeds >= selection.homeSeedsEnough && this.#seeds * LEECHERS_PER_SEED >= this.#leechers;
  }
}
