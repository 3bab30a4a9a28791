/** `selection`: which peers an answer holds, and in what order. */
import { choice, integer, section } from "../fields.ts";

/** A number of peers of one swarm. */
const PEERS = [0, 1000] as const;

/** What only `bridged` needs stands beside what every policy needs. */
export const selection = section({
  policy: choice(["bridged", "nearest"])
    .default("nearest")
    .describe(
      "nearest: everybody gets the nearest peers first. bridged: besides, outside peers are given only to the few " +
        "clients that bring a torrent's pieces into the network, and to those that would not finish without; " +
        "experimental in this version.",
    ),
  home: choice(["groups", "tier", "group"])
    .default("groups")
    .describe(
      "What bridged takes for a client's home: all peer groups together, those of the client's priority (tier), or " +
        "its own group alone.",
    ),
  strangers: choice(["nearest", "outside_first"])
    .default("nearest")
    .describe(
      "How a client in no peer group is answered: as everybody, or with outside peers first, so that it does not " +
        "load subscribers' uplinks.",
    ),
  enough: integer(...PEERS)
    .default(3)
    .describe(
      "With fewer home peers than this, and neither a bridge nor a complete copy among them, bridged fills up with " +
        "outside peers.",
    ),
  bridges: integer(...PEERS)
    .default(1)
    .describe("Downloading clients of each tier of a home and each torrent that are given outside peers."),
  home_seeds_enough: integer(...PEERS)
    .default(2)
    .describe(
      "Proven copies at home (hashlist.min_dwell) with which no bridge is needed, as long as they deliver; one will do " +
        "where four others download.",
    ),
  stall_seconds: integer(5, 43_200)
    .default(600)
    .describe(
      "A client whose download has not moved for so many seconds, or would take so many to get what others at home " +
        "have already, is given outside peers.",
    ),
});
