/** Filters the peers in the answers of a neighbor. */
import { Address, type Family, readWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import { GROUP_IDS, type PeerGroups } from "../network/peer-groups.ts";
import { isPrivate } from "../network/special-purpose.ts";

/** The numbers of peers that were filtered out, by reason. */
export class FilterCounts {
  /** Addresses of this tracker, and of other trackers that poll it: another tracker mistook a poll for a peer. */
  own = 0;
  /** Private addresses that some recipients could not reach. */
  private = 0;
  /** Peers beyond the limit. */
  beyond = 0;
}

/** The rules of a filter. */
export interface FilterRules {
  /** Whether an address belongs to this tracker or another one. */
  readonly isTracker: (address: Address) => boolean;
  readonly groups: PeerGroups;
  /** Ids of the groups whose members reach the private addresses of the neighbor. */
  readonly reachableFrom: ReadonlySet<number>;
  /** The maximum number of peers from one answer. */
  readonly limit: number;
}

/** Filters the peers of one neighbor. */
export class PeerFilter {
  readonly counts: FilterCounts;
  readonly #rules: FilterRules;
  readonly #address = new Address();
  /** For each group: whether all recipients of its private addresses reach those of the neighbor. */
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
   * Moves the accepted peers to the front.
   * @param peers compact peers (BEP 23, BEP 7); changed.
   * @param acceptsPrivate false if no private address is accepted, whatever the rules say.
   * @returns the accepted peers.
   */
  filter(peers: Uint8Array, family: Family, acceptsPrivate = true): Uint8Array {
    const size = COMPACT_BYTES[family];
    const address = this.#address;
    const most = this.#rules.limit * size;
    let end = 0;
    for (let at = 0; at + size <= peers.length; at += size) {
      if (family === 4) address.setIPv4(readWord(peers, at));
      else address.setBytes(peers, at);
      if (this.#rules.isTracker(address)) this.counts.own++;
      else if (
        isPrivate(address) &&
        !(acceptsPrivate && this.#privateGroups[this.#rules.groups.groupOf(address)])
      )
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
