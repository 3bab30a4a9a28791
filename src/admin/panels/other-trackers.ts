/** Fields that neighbors and external trackers have in common: whether a tracker is asked, and its peers. */
import { z } from "zod";

const count = z.number().nonnegative();

/** Whether another tracker is asked, by the state of its circuit breaker (client/circuit-breaker.ts). */
export const ASKING = { closed: "asked", open: "left alone", "half-open": "tried" } as const;

/** See {@link ASKING}. */
export const askingSchema = z
  .enum(Object.values(ASKING))
  .describe("left alone: backing off after failures, tried again later.");

/** Peers that another tracker has returned, and what became of them. */
export const namedPeersSchema = z.object({
  named: count,
  learned: count.describe("New here."),
  renewed: count.describe("Known already, from a tracker."),
  announced: count.describe("Known already: they announce themselves."),
  refused: count.describe("Too many."),
  trackers: count.describe("Addresses of trackers."),
  private: count.describe("Private addresses that are not reached."),
  unusable: count.describe("Addresses or ports that cannot be a peer."),
});

/** See {@link namedPeersSchema}. */
export type NamedPeers = z.output<typeof namedPeersSchema>;

/** What became of the peers, for Prometheus: by kind, all together as many as were named. */
export function kindsOf({ named: _, ...kinds }: NamedPeers): Readonly<Record<string, number>> {
  return kinds;
}
