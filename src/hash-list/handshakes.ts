/**
 * BitTorrent handshakes across the border of the network, counted by the device that refuses them: a Linux router with
 * nftables, or a DPI box. Their running totals restart with the device. This class converts them to totals since the start
 * of this tracker.
 */
import { NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY, ACTIVITY_WIDTH, allocateActivity } from "../store/group-activity.ts";

/** Which side sends the handshake: `out` is sent from inside, `in` from outside. A DPI box does not tell: `any`. */
export type HandshakeDirection = "out" | "in" | "any";

/** Handshakes seen, and how many of these were refused. */
export interface HandshakeCounts {
  readonly seen: number;
  readonly refused: number;
}

/** Totals of the handshakes of one network. */
export class Handshakes {
  /** Counters for the totals in the database (store/group-activity.ts). */
  readonly activity = allocateActivity();
  readonly #last = new Map<HandshakeDirection, HandshakeCounts>();
  readonly #totals = new Map<HandshakeDirection, HandshakeCounts>();

  /**
   * Adds the increments of a counter. A counter that is less than before has restarted. Its first value is left out: an
   * earlier run of this program may have added a part of that.
   */
  update(direction: HandshakeDirection, counts: HandshakeCounts): void {
    const before = this.#last.get(direction) ?? counts;
    const total = this.#totals.get(direction) ?? { seen: 0, refused: 0 };
    const isNew = counts.seen < before.seen || counts.refused < before.refused;
    const seen = counts.seen - (isNew ? 0 : before.seen);
    const refused = counts.refused - (isNew ? 0 : before.refused);
    this.#totals.set(direction, { seen: total.seen + seen, refused: total.refused + refused });
    this.#last.set(direction, counts);
    const at = NO_GROUP * ACTIVITY_WIDTH + ACTIVITY.handshakes;
    this.activity[at] += seen;
    this.activity[at + 1] += refused;
  }

  /** Forgets the last values, because another counter is read from now on. */
  beginAnew(): void {
    this.#last.clear();
  }

  /** Totals since the start, for the directions that are counted. */
  read(): (HandshakeCounts & { readonly direction: HandshakeDirection })[] {
    return Array.from(this.#totals, ([direction, counts]) => ({ direction, ...counts }));
  }
}
