/**
 * Recognizes polls, the announces of other trackers. A poll asks for peers as a client would. If it were stored, it
 * would be a peer that accepts no connections. Polls are recognized by configured addresses, or by their peer_id.
 */
import type { Address } from "../model/address.ts";
import { type AnnounceRequest, PEER_ID_WORDS } from "../model/announce.ts";
import { buildPrefixTable, PrefixTable, type PrefixTableData } from "../network/prefix-table.ts";

/** The prefix of the peer_id with which BTRT asks other trackers. The rest differs between trackers. */
export const POLL_PEER_ID = "-BTRT01-";

/** The data for a worker: a table in which the addresses of other trackers have values other than 0; peer_ids of five words each. */
export interface PollsData {
  readonly addresses: PrefixTableData;
  readonly peerIds: Uint32Array;
}

/** Tells polls from announces of peers. */
export class Polls {
  readonly #addresses: PrefixTable;
  readonly #peerIds: Uint32Array;

  constructor({ addresses, peerIds }: PollsData) {
    this.#addresses = new PrefixTable(addresses);
    this.#peerIds = peerIds;
  }

  /** Whether it is a poll. */
  includes({ address, peerId }: AnnounceRequest): boolean {
    return isOurs(peerId) || this.#isListed(peerId) || this.isFrom(address);
  }

  /** Whether another tracker has this address. */
  isFrom(address: Address): boolean {
    return this.#addresses.lookup(address) !== 0;
  }

  #isListed(peerId: Uint32Array): boolean {
    const ids = this.#peerIds;
    for (let at = 0; at < ids.length; at += PEER_ID_WORDS) {
      let same = 0;
      while (same < PEER_ID_WORDS && ids[at + same] === peerId[same]) same++;
      if (same === PEER_ID_WORDS) return true;
    }
    return false;
  }
}

/** Recognizes only trackers with the prefix {@link POLL_PEER_ID}. */
export const NO_POLLS = new Polls({ addresses: buildPrefixTable([]), peerIds: new Uint32Array(0) });

const [OURS_0, OURS_1] = peerIdWords(POLL_PEER_ID.padEnd(4 * PEER_ID_WORDS));

function isOurs(peerId: Uint32Array): boolean {
  return peerId[0] === OURS_0 && peerId[1] === OURS_1;
}

/** The words of a peer_id. @param text 20 characters, each a byte. */
export function peerIdWords(text: string): Uint32Array {
  return Uint32Array.from({ length: PEER_ID_WORDS }, (_, word) =>
    [0, 1, 2, 3].reduce((sum, i) => (sum << 8) | text.charCodeAt(4 * word + i), 0),
  );
}
