/** Peers that other trackers have named, neighbors and external ones, and what became of them. */
import { z } from "zod";
import type { NamedPeerCounts } from "./sources.ts";

const count = z.number().nonnegative();

/** As status shows them. */
export const namedPeersSchema = z.object({
  named: count,
  learned: count.describe("New here."),
  renewed: count.describe("Known already, from a tracker."),
  announced: count.describe("Known already, from themselves."),
  refused: count.describe("Too many."),
  trackers: count.describe("Addresses of trackers."),
  private: count.describe("Private addresses that are not reached."),
  unusable: count.describe("Addresses that can be nobody's, or port 0."),
});

/** What became of them, for Prometheus: by kind, all together as many as were named. */
export function kindsOf({ named: _, ...kinds }: NamedPeerCounts): Readonly<Record<string, number>> {
  return kinds;
}
