/** `tracker`: announces, answers, and the limits of stored peers. */
import { NUM_WANT_LIMIT } from "../../model/announce.ts";
import { ADDRESS_LIMIT, ADDRESS_LIMIT_MAX } from "../../network/peer-groups.ts";
import { choice, filePath, flag, integer, optional, prefixes, rule, seconds, section } from "../fields.ts";

/** Seconds. The age of a peer is a 16-bit number of seconds, and must exceed the expiry. */
const PEER_EXPIRY_LIMIT = 43_200;

const accessList = section(
  {
    mode: choice(["off", "allow", "deny"])
      .default("off")
      .describe(
        "off: all torrents are served. allow: only listed torrents are served. deny: listed torrents are refused.",
      ),
    file: optional(filePath).meta({
      description: "The list: an info-hash of 40 hexadecimal digits per line. # starts a comment.",
      examples: ["/etc/btrt/torrents.txt"],
    }),
  },
  rule(["file", "mode"], ({ file, mode }) =>
    mode !== "off" && file === null ? `is missing: with mode ${mode} it says which torrents` : undefined,
  ),
);

/** Most peers for which a store can be created, with any number of workers: it addresses words by 31 bits (store/heap.ts). */
const PEERS_LIMIT = 80_000_000;

/** How often clients announce, and the limits of peers. */
export const tracker = section(
  {
    interval: integer(10, PEER_EXPIRY_LIMIT)
      .default(1800)
      .describe(
        "Seconds that clients are asked to wait between announces. The value varies by 10 %, so that clients do not announce at the same time.",
      ),
    min_interval: integer(1, PEER_EXPIRY_LIMIT)
      .default(900)
      .describe(
        "Seconds that clients are asked to wait at least between announces. Earlier announces are still answered.",
      ),
    peer_expiry: integer(60, PEER_EXPIRY_LIMIT)
      .default(3900)
      .describe("Seconds without an announce after which a peer expires."),
    numwant: integer(0, NUM_WANT_LIMIT)
      .default(50)
      .describe("Peers returned to a client that does not request a number."),
    numwant_max: integer(1, NUM_WANT_LIMIT)
      .default(200)
      .describe("Maximum number of peers returned to a client."),
    max_peers: integer(1000, PEERS_LIMIT)
      .default(4_000_000)
      .describe(
        'Maximum number of stored peers. It determines the memory: "btrt check" shows the maximum. If there are peer_groups, the last quarter is reserved for their members.',
      ),
    max_peers_per_address: integer(1, ADDRESS_LIMIT_MAX)
      .default(ADDRESS_LIMIT)
      .describe(
        "Stored peers of one address (IPv6: /56) in a torrent. In all torrents together, an address can have up to 640 " +
          "times as many, or fewer if max_peers is below a million. Further peers get answers, but are not stored. Many " +
          "subscribers behind one address (CGNAT) need a higher limit: see peer_groups.",
      ),
    max_learned_peers: integer(1, NUM_WANT_LIMIT)
      .default(200)
      .describe(
        "Learned peers in a torrent: stored peers from the replies of other trackers. If the places do not suffice, the " +
          "trackers share them equally. All learned peers together take at most half of max_peers.",
      ),
    count_learned_peers: flag()
      .default(false)
      .describe(
        "true: the number of incomplete peers that clients see includes learned peers. Other counts and the hash list never include them.",
      ),
    neighbors_wait: seconds(0, 10)
      .default(0)
      .describe(
        "Seconds that the first announce of a torrent may wait for the first reply of a neighbor. Fractions are allowed.",
      ),
    ip_parameter: prefixes(1000).meta({
      description:
        "Prefixes of requesters that may announce another address than their own, with ip=, ipv4= or ipv6=.",
      examples: [["192.0.2.10"]],
    }),
    access_list: accessList.describe("The torrents that are served or refused."),
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
