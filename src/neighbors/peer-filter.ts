/** Which of the peers that a neighbor names are taken. */
import { Address, type Family, readWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import { GROUP_IDS, type PeerGroups } from "../network/peer-groups.ts";
import { isPrivate } from "../network/special-purpose.ts";

/** What is left out, and why. */
export class FilterCounts {
  /** Our own addresses, and those that other trackers ask us from: polls that somebody took for a peer. */
  own = 0;
  /** Private addresses that are not reached from those who would be given them. */
  private = 0;
  /** More than are wanted. */
  beyond = 0;
}

/** What decides. */
export interface FilterRules {
  /** Whether an address is this tracker's, or another's. */
  readonly isTracker: (address: Address) => boolean;
  readonly groups: PeerGroups;
  /** Ids of the groups whose members reach the private addresses that the neighbor names. */
  readonly reachableFrom: ReadonlySet<number>;
  /** Most peers of one answer. */
  readonly limit: number;
}

/** Filters what one neighbor names. */
export class PeerFilter {
  readonly counts: FilterCounts;
  readonly #rules: FilterRules;
  readonly #address = new Address();
  /** For each group: whether all who are given its private addresses reach the neighbor's. */
  readonly #privateGroups: readonly boolean[];

  constructor(rules: FilterRules, counts: FilterCounts) {
    this.#rules = rules;
    this.counts = counts;
    const { groups, reachableFrom } = rules;
    const ids = Array.from({ length: GROUP_IDS }, (_, id) => id);
    this.#privateGroups = ids.map(
      (id) =>
        reachableFrom.size > 0 &&
        ids.every((requester) => !groups.reaches(id, requester) || reachableFrom.has(requester)),
    );
  }

  /**
   * Moves the peers that are taken to the front.
   * @param peers in compact form (BEP 23, BEP 7); changed.
   * @returns them.
   */
  filter(peers: Uint8Array, family: Family): Uint8Array {
    const size = COMPACT_BYTES[family];
    const address = this.#address;
    const most = this.#rules.limit * size;
    let end = 0;
    for (let at = 0; at + size <= peers.length; at += size) {
      if (family === 4) address.setIPv4(readWord(peers, at));
      else address.setBytes(peers, at);
      if (this.#rules.isTracker(address)) this.counts.own++;
      else if (isPrivate(address) && !this.#privateGroups[this.#rules.groups.groupOf(address)])
        this.counts.private++;
      else if (end === most) this.counts.beyond++;
      else {
        peers.copyWithin(end, at, at + size);
        end += size;
      }
    }
    return peers.subarray(0, end);
  }
}
