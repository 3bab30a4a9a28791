/**
 * The policy `bridged`: who is given peers outside its home. Putting near peers first keeps nothing inside in a swarm
 * that is smaller than an answer, and most are; limiting who meets the outside does.
 *
 * A few downloading clients of each home and swarm are its *bridges*: they are given outside peers, the others find
 * the pieces at home. Each tier of a home has bridges of its own: a partner's line to the outside is another one. A
 * client becomes a bridge when it announces and one is needed, and stops being one when it completes, stalls, is not
 * heard of for its lease, or when there are complete copies enough at home; a single one is, with some leechers that pass
 * on what it sends. A client that falls behind becomes another bridge, whatever there is at home: bridges and seeders
 * are judged by what they pass on. Whoever stalls is given outside peers, bridge or not, and all that download at home
 * announce often: nobody is worse off for long.
 *
 * A complete copy counts once it is proven (peer-record.ts); until then it is given to others like any peer, and makes no
 * bridge needless. Who completes here is proven at once, so the first copy of a crowd counts.
 *
 * Learned peers are at home if their group is: the line to them costs the same, whoever named them. They count as
 * leechers, and as complete copies where the tracker that named them says so; they are nobody's bridges, and are none to
 * count additional bridges by, since nobody knows what they are given and how they get on. Unconfirmed ones do not count,
 * nor does the second address of a client.
 */

import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import type { PeerList } from "../store/peer-list.ts";
import {
  ageOf,
  isMarked,
  isUnconfirmed,
  KEY_COMPLETE,
  KEY_DUPLICATE,
  KEY_GROUP,
  KEY_LEARNED,
  KEY_PRIVATE,
  KEY_PROVEN,
  leftOf,
  paceOf,
} from "../store/peer-record.ts";
import type { Segments } from "../store/segments.ts";
import { isHome } from "./home.ts";
import type { Requester } from "./requester.ts";
import { bridgedInterval, type SelectionPolicy } from "./selection-settings.ts";

/** A bridge that has not been heard of for so many of its intervals has lost its lease: intervals vary by a tenth. */
const LEASE_INTERVALS = 1.25;

/**
 * There can be an additional bridge for every so many leechers, if they fall behind; and so many need none beside a
 * complete copy.
 */
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
  /** Of the leechers, those that have announced themselves. */
  #announced = 0;
  #seeds = 0;
  #bridges = 0;
  /** Of the bridges, those of the requester's tier. */
  #tierBridges = 0;
  /** The least that a bridge or a complete copy has left, by coarseLeft. */
  #leastLeft = LEFT_MAX;

  /** Forgets what was counted. */
  clear(): void {
    this.#leechers = 0;
    this.#announced = 0;
    this.#seeds = 0;
    this.#bridges = 0;
    this.#tierBridges = 0;
    this.#leastLeft = LEFT_MAX;
  }

  /** Adds the peers of one family that the requester could be given at home. */
  add(candidates: HomePeers, { groups, selection }: SelectionPolicy, who: Requester, now: number): void {
    const { list, cell, segments, requester } = candidates;
    const lease = LEASE_INTERVALS * bridgedInterval(selection);
    let leechers = 0;
    let learned = 0;
    let seeds = 0;
    for (let i = 0; i < segments.count; i++) {
      const key = segments.keys[i];
      if ((key & KEY_DUPLICATE) !== 0 || isUnconfirmed(key)) continue;
      const group = key & KEY_GROUP;
      if (!isHome(selection.home, groups, who.group, group)) continue;
      if ((key & KEY_PRIVATE) !== 0 && !groups.reaches(group, who.group)) continue;
      const others = segments.counts[i] - (segments.holds(i, requester) ? 1 : 0);
      if ((key & KEY_COMPLETE) === 0) leechers += others;
      else if ((key & (KEY_PROVEN | KEY_LEARNED)) !== 0) seeds += others;
      if ((key & (KEY_COMPLETE | KEY_LEARNED)) === KEY_LEARNED) learned += others;
      if (!isMarked(key)) continue;
      const end = segments.starts[i] + segments.counts[i];
      for (let position = segments.starts[i]; position < end; position++) {
        const state = list.stateAt(cell, position);
        if (position === requester || ageOf(state, now) > lease) continue;
        this.#bridges++;
        if (groups.tierOf[group] === groups.tierOf[who.group]) this.#tierBridges++;
        this.#leastLeft = Math.min(this.#leastLeft, leftOf(state));
      }
    }
    this.#leechers += leechers;
    this.#announced += leechers - learned;
    this.#seeds += seeds;
    if (seeds > 0) this.#leastLeft = 0;
  }

  /** Whether the requester is to be a bridge from now on: its home needs one more, and it gets on. */
  needsBridge(policy: SelectionPolicy, who: Requester, now: number): boolean {
    if (who.seeder || who.stalled) return false;
    const { bridges, homeSeedsEnough, stallSeconds } = policy.selection;
    const seedsEnough =
      this.#seeds >= homeSeedsEnough || (this.#seeds > 0 && this.#announced >= LEECHERS_PER_BRIDGE);
    if (!seedsEnough && this.#tierBridges < bridges) return true;
    if (this.#bridges >= bridges + Math.floor(this.#announced / LEECHERS_PER_BRIDGE)) return false;
    return (who.marked && !seedsEnough) || this.#isBehind(who, now, stallSeconds);
  }

  /** Whether the requester is given outside peers though it is no bridge. */
  needsOutside({ selection }: SelectionPolicy, who: Requester): boolean {
    if (who.seeder) return this.#leechers < selection.enough;
    if (who.stalled) return true;
    const path = this.#bridges + this.#seeds > 0;
    return !path && this.#leechers < selection.enough;
  }

  /** Whether the requester, at its pace, would need so many seconds for what the foremost at home has already. */
  #isBehind(who: Requester, now: number, seconds: number): boolean {
    if (who.before === 0 || who.left <= this.#leastLeft) return false;
    const pace = paceOf(who.before, now, who.left);
    return leftBytes(who.left) - leftBytes(this.#leastLeft) > pace * seconds;
  }
}
