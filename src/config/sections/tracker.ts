/** `tracker`: announcing and answering. */
import { NUM_WANT_LIMIT } from "../../model/announce.ts";
import { ADDRESS_LIMIT, ADDRESS_LIMIT_MAX } from "../../network/peer-groups.ts";
import { choice, filePath, flag, integer, optional, prefixes, rule, section } from "../fields.ts";

/** Seconds. Peers' ages are 16-bit seconds, and need some room beyond the expiry. */
const PEER_EXPIRY_LIMIT = 43_200;

const accessList = section(
  {
    mode: choice(["off", "allow", "deny"])
      .default("off")
      .describe("off: every torrent is served. allow: only those listed. deny: all but those listed."),
    file: optional(filePath).meta({
      description: "The list: an info-hash of 40 hexadecimal digits per line; # begins a comment.",
      examples: ["/etc/btrt/torrents.txt"],
    }),
  },
  rule(["file", "mode"], ({ file, mode }) =>
    mode !== "off" && file === null ? `is missing: with mode ${mode} it says which torrents` : undefined,
  ),
);

/** What a store can be for, whatever the number of workers: it has 31 bits for its words (store/heap.ts). */
const PEERS_LIMIT = 80_000_000;

/** How often clients come, and what they are given. */
export const tracker = section(
  {
    interval: integer(10, PEER_EXPIRY_LIMIT)
      .default(1800)
      .describe(
        "Seconds between announces that clients are asked for; spread by 10 % so that they do not come in herds.",
      ),
    min_interval: integer(1, PEER_EXPIRY_LIMIT)
      .default(900)
      .describe("Seconds between announces that clients are asked never to go below."),
    peer_expiry: integer(60, PEER_EXPIRY_LIMIT)
      .default(3900)
      .describe("Seconds without an announce after which a peer is forgotten."),
    numwant: integer(0, NUM_WANT_LIMIT)
      .default(50)
      .describe("Peers in an answer to a client that does not say how many it wants."),
    numwant_max: integer(1, NUM_WANT_LIMIT)
      .default(200)
      .describe("Peers in an answer, whatever a client wants."),
    max_peers: integer(1000, PEERS_LIMIT)
      .default(4_000_000)
      .describe(
        'Peers that are remembered, and so the memory taken: "btrt check" says how much it can be. Where there are peer_groups, the last quarter is for their members.',
      ),
    max_peers_per_address: integer(1, ADDRESS_LIMIT_MAX)
      .default(ADDRESS_LIMIT)
      .describe(
        "Peers of one address (IPv6: /56) that are remembered in a torrent. In all torrents together it may have up to 640 " +
          "times as many, less in a tracker below a million max_peers. More are answered, and given to nobody. Many " +
          "subscribers behind one address (CGNAT) need more: see peer_groups.",
      ),
    max_learned_peers: integer(1, NUM_WANT_LIMIT)
      .default(200)
      .describe(
        "Peers of a torrent that are remembered because other trackers named them. Trackers share them equally when " +
          "there are too few. All together take at most half of max_peers.",
      ),
    count_learned_peers: flag()
      .default(false)
      .describe(
        "Whether clients are told of them as incomplete peers. Counts elsewhere, and the hash list, are without them.",
      ),
    ip_parameter: prefixes(1000).meta({
      description:
        "Prefixes of requesters that may announce another address than their own by ip=, ipv4= or ipv6=.",
      examples: [["192.0.2.10"]],
    }),
    access_list: accessList.describe("Which torrents are served."),
  },
  rule(["interval", "min_interval"], ({ interval, min_interval }) =>
    interval < min_interval ? `must not be less than min_interval, ${min_interval}` : undefined,
  ),
  rule(["peer_expiry", "interval"], ({ peer_expiry, interval }) =>
    peer_expiry <= interval
      ? `must be more than interval, ${interval}: peers would be forgotten between announces`
      : undefined,
  ),
  rule(["numwant", "numwant_max"], ({ numwant, numwant_max }) =>
    numwant > numwant_max ? `must not be more than numwant_max, ${numwant_max}` : undefined,
  ),
);
