/**
 * BitTorrent handshakes across the border, as whoever blocks there counts them: a Linux router's nftables, or a DPI box.
 * Both give running totals of their own, which begin anew when they do; here they become totals since this tracker's
 * start.
 */
import { NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY, ACTIVITY_WIDTH, allocateActivity } from "../store/group-activity.ts";

/** Who sends it: somebody inside, somebody outside; `any` is a DPI box, which does not say. Where it is let through, both do. */
export type HandshakeDirection = "out" | "in" | "any";

/** Handshakes seen, and how many of these were refused. */
export interface HandshakeCounts {
  readonly seen: number;
  readonly refused: number;
}

/** The handshakes of one tracker's network. */
export class Handshakes {
  /** Where they are counted for the totals that storage keeps (store/group-activity.ts). */
  readonly activity = allocateActivity();
  readonly #last = new Map<HandshakeDirection, HandshakeCounts>();
  readonly #totals = new Map<HandshakeDirection, HandshakeCounts>();

  /**
   * Takes note of what a counter says now. One that says less than before has begun anew. What it had counted when it was
   * first read is left out: some of it may have been counted before, by another run of this program.
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

  /** Somebody else counts from now on: what he has counted before is none of ours. */
  beginAnew(): void {
    this.#last.clear();
  }

  /** Handshakes since the start, of the directions in which somebody counts. */
  read(): (HandshakeCounts & { readonly direction: HandshakeDirection })[] {
    return Array.from(this.#totals, ([direction, counts]) => ({ direction, ...counts }));
  }
}
