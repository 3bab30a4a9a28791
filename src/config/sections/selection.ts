/** `selection`: which peers are returned, and in which order. */
import { choice, integer, section } from "../fields.ts";

/** A number of peers of one swarm. */
const PEERS = [0, 1000] as const;

/** The keys of all policies. Keys that only `bridged` uses say so. */
export const selection = section({
  policy: choice(["bridged", "nearest"])
    .default("nearest")
    .describe(
      "nearest: all clients get the nearest peers first. bridged: in addition, outside peers are returned only to the " +
        "few clients that bring a torrent's pieces into the network, and to clients that would not finish without them. " +
        "bridged is experimental in this version.",
    ),
  home: choice(["groups", "tier", "group"])
    .default("groups")
    .describe(
      "The home of a client, for bridged. groups: all peer groups together. tier: the groups of the client's priority. " +
        "group: the client's own group.",
    ),
  strangers: choice(["nearest", "outside_first"])
    .default("nearest")
    .describe(
      "The answer to a client in no peer group. nearest: the same as for other clients. outside_first: outside peers " +
        "first, so that the client does not load subscribers' uplinks.",
    ),
  enough: integer(...PEERS)
    .default(3)
    .describe(
      "If a home has fewer peers of a torrent than this, and neither a bridge nor a complete copy among them, bridged " +
        "adds outside peers.",
    ),
  bridges: integer(...PEERS)
    .default(1)
    .describe(
      "Number of bridges: downloading clients that get outside peers, for each torrent and each tier of a home.",
    ),
  home_seeds_enough: integer(...PEERS)
    .default(2)
    .describe(
      "Proven copies at home (hashlist.min_dwell) with which a torrent needs no bridge, as long as they deliver. One " +
        "copy is enough if four other clients download.",
    ),
  stall_seconds: integer(5, 43_200)
    .default(600)
    .describe(
      "A client gets outside peers if its download has made no progress for as many seconds, or if it needs as many " +
        "seconds to get what others at home already have.",
    ),
});
