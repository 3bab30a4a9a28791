/** Counts downloads that announced recently, and finds the one that has least left (PeerList.addRecent). */
import { LEFT_MAX } from "../model/announce.ts";
import { leftOf } from "./layout/peer.ts";
import { ageOf } from "./peer-record.ts";

/** The downloads among some records. Mutable, reused. */
export class RecentDownloads {
  count = 0;
  /** The fewest bytes that one of them has left, encoded by coarseLeft. */
  leastLeft = LEFT_MAX;
  #now = 0;
  #ageMax = 0;

  /** Begins to count. @param now seconds. @param ageMax seconds since the last announce of a download that counts. */
  begin(now: number, ageMax: number): void {
    this.count = 0;
    this.leastLeft = LEFT_MAX;
    this.#now = now;
    this.#ageMax = ageMax;
  }

  /** Counts a download, if it is recent. @param wordB of its record (layout/peer.ts). */
  add(wordB: number): void {
    if (ageOf(wordB, this.#now) > this.#ageMax) return;
    this.count++;
    const left = leftOf(wordB);
    if (left < this.leastLeft) this.leastLeft = left;
  }
}
