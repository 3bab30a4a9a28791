/** Fields that neighbors and upstream trackers have in common: whether a tracker is asked, and the peers it returned. */
import { z } from "zod";

const count = z.number().nonnegative();

/** Whether another tracker is asked, by the state of its circuit breaker (client/circuit-breaker.ts). */
export const ASKING = { closed: "asked", open: "backing off", "half-open": "probing" } as const;

/** See {@link ASKING}. */
export const askingSchema = z
  .enum(Object.values(ASKING))
  .describe(
    "asked: requests are sent. backing off: it failed, so no requests are sent for a while. probing: one request tests whether it works again.",
  );

/** Peers that another tracker has returned, and what the store did with them. */
export const namedPeersSchema = z.object({
  named: count,
  learned: count.describe("Added to the store."),
  renewed: count.describe("Already known from another tracker or an earlier reply."),
  announced: count.describe("Already known, because they announce here."),
  refused: count.describe("Beyond a limit."),
  trackers: count.describe("Dropped: addresses of trackers."),
  private: count.describe("Dropped: private addresses that clients here cannot reach."),
  unusable: count.describe("Dropped: addresses or ports that no peer can have."),
});

/** See {@link namedPeersSchema}. */
export type NamedPeers = z.output<typeof namedPeersSchema>;

/** The same for Prometheus, by kind. The sum of all kinds is `named`. */
export function kindsOf({ named: _, ...kinds }: NamedPeers): Readonly<Record<string, number>> {
  return kinds;
}
