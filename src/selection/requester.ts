import { Address, type Family } from "../model/address.ts";

/** {@link Requester.outsideMax} of a requester whose outside peers are not limited. */
export const OUTSIDE_ALL = 0xffff;

/** The client that asks for peers. Mutable, reused for every announce. */
export class Requester {
  readonly address = new Address();
  group = 0;
  /** The hash of its client (client-identity.ts); 0 if the announce does not identify it. */
  client = 0;
  /** The only family of which it can get peers, or 0 for both. */
  onlyFamily: Family | 0 = 0;
  /** The bytes it has left, encoded by coarseLeft. */
  left = 0;
  /** It wants no complete peers, because it fetches nothing. */
  seeder = false;
  /**
   * It is a seeder that reports no transfer yet: room that leechers leave free is filled with seeders. A client that only
   * has a magnet link announces `left=0` too, and needs them to fetch the metadata.
   */
  filled = false;
  /** Its download has made no progress for too long. */
  stalled = false;
  /** Word B of its record (store/layout/peer.ts) before this announce; 0 for a newcomer. */
  before = 0;
  /** Its records are marked, as the selection policy decided: `bridged` marks bridges. */
  marked = false;
  /** It announces from its other address: its record is a duplicate (store/client-pairs.ts). */
  isDuplicate = false;
  /** The most peers outside its home that it gets, as the selection policy decided. */
  outsideMax = 0;
  /** Seconds after which it must announce again, by the selection policy; 0: the configured interval. */
  interval = 0;
  /** Whether the gate applies to its group: routers may refuse its connections to the outside. */
  hasGate = false;
  /** It is another tracker that asks for peers (polls.ts), not a peer. */
  poll = false;
  /** The number of the upstream tracker that it announces to (store/layout/key.ts), or 0. It gets that tracker's unconfirmed peers. */
  source = 0;
  /** Its answer is only explained: nothing is stored. */
  preview = false;
  /** Peers that may be returned to it and that it can reach; and those of them that are in no group. */
  candidates = 0;
  candidatesOutside = 0;
  /** Peers in its answer; and those of them that are in no group. */
  returned = 0;
  returnedOutside = 0;
  /** The selection policy limited the outside peers, not the room of the answer. */
  isLimited = false;
  /** Its own positions in the swarm's lists, or -1. */
  position4 = -1;
  position6 = -1;

  /** Whether it is in the swarm's lists. */
  get isStored(): boolean {
    return this.position4 !== -1 || this.position6 !== -1;
  }

  /** Sets the counts of its answer to 0. */
  clearAnswer(): void {
    this.candidates = 0;
    this.candidatesOutside = 0;
    this.returned = 0;
    this.returnedOutside = 0;
    this.isLimited = false;
  }
}
