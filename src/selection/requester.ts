import { Address, type Family } from "../model/address.ts";

/** Who asks for peers. Mutable, used again for every announce. */
export class Requester {
  readonly address = new Address();
  group = 0;
  /** The hash of its client (client-identity.ts), 0 where it does not say who it is. */
  client = 0;
  /** The only family that it can be returned peers of, or 0 for both. */
  onlyFamily: Family | 0 = 0;
  /** What it has left, by coarseLeft. */
  left = 0;
  /** Wants no complete peers, having nothing to fetch. */
  seeder = false;
  /**
   * It is a seeder that has transferred nothing yet, as far as it says: room that leechers leave is filled with seeders.
   * A client that knows no more than a magnet link has nothing left to fetch either, by what it announces.
   */
  filled = false;
  /** Its download has made no progress for too long. */
  stalled = false;
  /** Word B of its record (peer-record.ts) before this announce; 0 for a newcomer. */
  before = 0;
  /** Its record is marked, as the selection policy decided: `bridged` marks bridges. */
  marked = false;
  /** It gets peers outside its home. */
  outside = false;
  /** Seconds after which the selection policy wants it to announce again; 0: as configured. */
  interval = 0;
  /** It is another tracker that asks for peers (polls.ts), and no peer. */
  poll = false;
  /** The number of the upstream tracker that it announces to (peer-record.ts), or 0: it gets that tracker's unconfirmed peers. */
  source = 0;
  /** It is only asked about: nothing changes by it. */
  preview = false;
  /** Peers that it could be returned and reach, and those of them that are in no group. */
  candidates = 0;
  candidatesOutside = 0;
  /** What it is returned: peers, and those of them that are in no group. */
  returned = 0;
  returnedOutside = 0;
  /** Its own positions in the swarm's lists, or -1. */
  position4 = -1;
  position6 = -1;

  /** Whether it is in the swarm's lists. */
  get isStored(): boolean {
    return this.position4 !== -1 || this.position6 !== -1;
  }

  /** Forgets what it could be returned, and is. */
  clearAnswer(): void {
    this.candidates = 0;
    this.candidatesOutside = 0;
    this.returned = 0;
    this.returnedOutside = 0;
  }
}
