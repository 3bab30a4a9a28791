/** The announcing peer, in the form in which it is stored. */
import { Address } from "../model/address.ts";
import { Admission } from "../store/admission.ts";
import { peerKey } from "../store/peer-key.ts";
import { COUNTS, type Counts, type PeerUpdate } from "../store/peer-update.ts";
import type { TrackerPolicy } from "./tracker-policy.ts";

/** The values of an announce that are stored. Mutable, reused for every announce. */
export class AnnouncedPeer implements PeerUpdate {
  readonly address = new Address();
  port = 0;
  key = 0;
  left = 0;
  identity = 0;
  counts: Counts = COUNTS.unknown;
  readonly foreign = false;
  completed = false;
  uploaded = false;
  minDwell = 0;
  now = 0;
  stallSeconds = 1;
  readonly admission = new Admission();

  /**
   * Sets the address under which the peer is stored, and what follows from it. Set {@link left} before.
   * @param group the peer group of the address.
   * @param maxPeers the maximum of peers in the store.
   */
  setAddress(
    address: Address,
    port: number,
    group: number,
    { groups, selection, copies, settings }: TrackerPolicy,
    maxPeers: number,
  ): void {
    this.address.copyFrom(address);
    this.port = port;
    this.key = peerKey(address, group, this.left === 0);
    this.minDwell = copies.minDwell;
    this.stallSeconds = selection.settings.stallSeconds;
    this.admission.set(groups, maxPeers, settings.interval);
  }
}
