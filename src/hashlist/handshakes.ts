/**
 * BitTorrent handshakes across the border, as whoever blocks there counts them: a Linux router's nftables, or a DPI box.
 * Both give running totals of their own, which begin anew when they do; here they become totals since this tracker's
 * start.
 */

/** Who opens the connection: somebody inside, somebody outside; `any` is a DPI box, which does not say. */
export type HandshakeDirection = "out" | "in" | "any";

/** Handshakes seen, and how many of these were refused. */
export interface HandshakeCounts {
  readonly seen: number;
  readonly refused: number;
}

/** The handshakes of one tracker's network. */
export class Handshakes {
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
    this.#totals.set(direction, {
      seen: total.seen + counts.seen - (isNew ? 0 : before.seen),
      refused: total.refused + counts.refused - (isNew ? 0 : before.refused),
    });
    this.#last.set(direction, counts);
  }

  /** Handshakes since the start, of the directions in which somebody counts. */
  read(): (HandshakeCounts & { readonly direction: HandshakeDirection })[] {
    return Array.from(this.#totals, ([direction, counts]) => ({ direction, ...counts }));
  }
}
