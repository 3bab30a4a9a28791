/**
 * The gate's chains. Only these packets get here: handshakes, the first packet of a TCP connection (SYN), that of a uTP
 * connection (ST_SYN), the first payload of a TCP connection that is watched, and what connections carry that are cut. So
 * nothing else is ever refused.
 *
 * Most clients try encryption first, which hides the info-hash, and go on in plaintext when that fails. So a TCP connection
 * that may be of a gated torrent is let through and *watched*: its first payload is either a handshake in plaintext, which
 * its info-hash decides, or it is refused. Watched are connections to closed endpoints, to far ones, and to those where a
 * handshake or a uTP connection of the subscriber has been refused before (*caught*). A uTP connection of a closed endpoint
 * is refused at once: only its ends can reset it later, and clients that cannot connect over uTP do so over TCP.
 *
 * An endpoint is closed as soon as it is closed in one torrent, as most clients have several. Nothing is refused for good
 * that belongs to a torrent which is not refused at its address: its handshake in plaintext passes, over TCP always, and
 * over uTP where the connection exists.
 *
 * Connections of an endpoint are *cut* for a while when it has just been closed as a downloader in all of its torrents: those
 * that are older, as far as its port shows that they are its own, and those to caught endpoints. Those that begin meanwhile are
 * judged, and go on if their handshake passes.
 *
 * A subscriber whose client insists on encryption never sends a handshake in plaintext. It is exempt after some tries.
 *
 * Sets of endpoints are looked up before the border of the home is, as most packets are in none of them.
 */
import { infoHashRules } from "../../hash-list/handshake-match.ts";
import type { GateHome } from "../protocol.ts";
import type { GateCounts } from "../report.ts";
import { ALIVE_SET, counterName } from "./nft-lists.ts";

/** The first packet of a TCP connection. */
export const SYN = "meta l4proto tcp tcp flags & (syn | ack) == syn";

/** An ST_SYN, among the packets that begin with 0x41 and have one of the lengths in {@link ST_SYN_SHAPES}. */
const ST_SYN = "meta l4proto udp @ih,0,8 0x41";

/**
 * The shapes of an ST_SYN (BEP 29): a header of 20 bytes, and at most one extension, of 4 or 8 bytes. A request to a UDP
 * tracker (BEP 15) may begin with 0x41 as well, but is longer. No message of DHT begins so.
 */
const ST_SYN_SHAPES = [
  "@ih,8,8 0 udp length 28",
  "@ih,8,8 != 0 @ih,160,16 0x0004 udp length 34",
  "@ih,8,8 != 0 @ih,160,16 0x0008 udp length 38",
];

/** What names a connection, from its first packet on. */
const CONNECTION = "{ip} saddr . th sport . {ip} daddr . th dport";

const CONNECTION_BACK = "{ip} daddr . th dport . {ip} saddr . th sport";

/**
 * Tells what a TCP connection that is cut carries from a handshake, by the first bytes of its 19 and "Bit", among the packets
 * that get to the chains of a home. Shorter payload passes.
 */
const HANDSHAKE = "meta l4proto tcp @ih,0,32 0x13426974";
const NO_HANDSHAKE = "meta l4proto tcp @ih,0,32 != 0x13426974";

/** Matches payload that clients push, and no packet without payload. The first payload of a connection is pushed. */
export const PUSHED = "meta l4proto tcp tcp flags & psh == psh @ih,0,8 >= 0";

/**
 * Tries after which a subscriber insists on encryption. A client that does not goes on in plaintext after each, which
 * begins the count anew, but it may try many peers at the same time.
 */
const TRIES = "limit rate over 60/hour burst 60 packets";

/** The chains that all homes share. */
export function commonChains(): string {
  return [...newConnection(), ...handshake(), ...outgoing(), ...incoming()].join("\n\n");
}

/** The chains of a home: whether the other end is outside. */
export function homeChains({ id }: GateHome): string {
  const chainOf = (way: "out" | "in", other: "saddr" | "daddr") =>
    chain(`gate_${way}_${id}`, "", [
      ...both(`{ip} ${other} @gate_inside{n}_${id} return`),
      `goto gate_${way}`,
    ]);
  return `${chainOf("out", "daddr")}\n\n${chainOf("in", "saddr")}`;
}

function newConnection(): string[] {
  return [
    chain("gate_border", "From a subscriber; to one. A packet may be both.", [
      ...both("{ip} saddr vmap @gate_from{n}"),
      ...both("{ip} daddr vmap @gate_to{n}"),
    ]),
    chain("gate_new", "A new connection.", [
      `meta protocol != @${ALIVE_SET} return`,
      ...both("{ip} daddr . th dport @gate_closed{n} goto gate_border"),
      ...both("meta l4proto udp {ip} saddr . th sport @gate_closed{n} goto gate_border"),
      ...both("{ip} saddr @gate_hosts{n} {ip} daddr . th dport @gate_far{n} goto gate_border"),
      ...both("meta l4proto tcp {ip} saddr . {ip} daddr . th dport @gate_caught{n} goto gate_border"),
    ]),
    chain(
      "gate_watch",
      "When the set is full, it has no place, and passes.",
      both(`update @gate_watch{n} { ${CONNECTION} }`),
    ),
    ...firstPayload(),
    chain(
      "gate_st_syn",
      "uTP, and not a request to a UDP tracker.",
      ST_SYN_SHAPES.map((shape) => `${shape} goto gate_new`),
    ),
  ];
}

function firstPayload(): string[] {
  return [
    chain("gate_pushed", "Most payload belongs to no watched connection.", [
      ...both(`${CONNECTION} @gate_watch{n} goto gate_first`),
      ...both("{ip} daddr . th dport @gate_cut{n} goto gate_cut"),
      ...both("{ip} saddr . th sport @gate_cut{n} goto gate_cut"),
      ...both(
        "{ip} saddr @gate_cut_hosts{n} {ip} saddr . {ip} daddr . th dport @gate_caught{n} goto gate_cut",
      ),
    ]),
    chain(
      "gate_cut",
      "A connection to an endpoint that has just been closed. It may be open again meanwhile.",
      [
        `meta protocol != @${ALIVE_SET} return`,
        ...both(`${CONNECTION} @gate_judged{n} return`),
        ...both(`${CONNECTION_BACK} @gate_judged{n} return`),
        ...both("{ip} saddr . th sport @gate_closed{n} goto gate_border"),
        ...both("{ip} daddr . th dport @gate_closed{n} goto gate_border"),
        ...both(
          "{ip} saddr @gate_hosts{n} {ip} saddr . {ip} daddr . th dport @gate_caught{n} goto gate_border",
        ),
      ],
    ),
    chain("gate_first", "The first payload of a watched connection, which is no handshake in plaintext.", [
      ...both(`delete @gate_watch{n} { ${CONNECTION} }`),
      `meta protocol != @${ALIVE_SET} return`,
      ...both("{ip} daddr . th dport @gate_closed{n} goto gate_first_in"),
      "goto gate_first_out",
    ]),
    refusal("gate_first_in", both("{ip} daddr @gate_exempt{n} return"), "refusedEndpointIn"),
    refusal(
      "gate_first_out",
      [
        ...both("{ip} saddr @gate_exempt{n} return"),
        "# No handshake in plaintext came between: the client insists on encryption.",
        ...both(`add @gate_tried{n} { {ip} saddr ${TRIES} } goto gate_exempt`),
      ],
      "refusedFarOut",
    ),
  ];
}

function handshake(): string[] {
  return [
    chain("gate_handshake", "", [`meta protocol @${ALIVE_SET} jump gate_border`, "goto handshake"]),
    chain("gate_passed", "A handshake that is not refused: its connection goes on.", [
      ...both(`meta l4proto tcp delete @gate_watch{n} { ${CONNECTION} }`),
      "# While the endpoint is open, nothing is cut. If it is closed once more, what has begun meanwhile is to be cut.",
      ...both(
        `${HANDSHAKE} {ip} daddr . th dport @gate_cut{n} {ip} daddr . th dport @gate_closed{n} update @gate_judged{n} { ${CONNECTION} }`,
      ),
      ...both(
        `${HANDSHAKE} {ip} saddr @gate_cut_hosts{n} {ip} saddr @gate_hosts{n} update @gate_judged{n} { ${CONNECTION} }`,
      ),
    ]),
    chain("gate_exempt", "It has no place when the set is full.", [
      ...both("{ip} saddr @gate_exempt{n} update @gate_exempt{n} { {ip} saddr } return"),
      ...both(`add @gate_exempt{n} { {ip} saddr } counter name ${counterName("exempted")} return`),
      `counter name ${counterName("exemptFull")}`,
    ]),
  ];
}

/** What a subscriber sends to the outside. */
function outgoing(): string[] {
  return [
    refusal(
      "gate_handshake_out",
      both("update @gate_caught{n} { {ip} saddr . {ip} daddr . th dport }"),
      "refusedHandshakeOut",
    ),
    // uTP: clients send from the port that they announce.
    // A client that cannot connect over uTP tries TCP to the same endpoint next.
    refusal(
      "gate_endpoint_out",
      [
        ...exempts("saddr", "seenEndpointOut"),
        ...both("update @gate_caught{n} { {ip} saddr . {ip} daddr . th dport }"),
      ],
      "refusedEndpointOut",
    ),
    refusal("gate_cut_out", exempts("saddr", "seenEndpointOut"), "refusedEndpointOut"),
    refusal("gate_far_out", exempts("saddr", "seenFarOut"), "refusedFarOut"),
    chain("gate_watch_out", "", [...exempts("saddr", "seenFarOut"), "goto gate_watch"]),
    chain("gate_new_out", "", [
      ...both("meta l4proto udp {ip} saddr . th sport @gate_closed{n} goto gate_endpoint_out"),
      ...both(
        "meta l4proto udp {ip} saddr @gate_hosts{n} {ip} daddr . th dport @gate_far{n} goto gate_far_out",
      ),
      ...both(
        "meta l4proto tcp {ip} saddr @gate_hosts{n} {ip} daddr . th dport @gate_far{n} goto gate_watch_out",
      ),
      ...both("meta l4proto tcp {ip} saddr . {ip} daddr . th dport @gate_caught{n} goto gate_watch_out"),
    ]),
    chain("gate_out", "Sent by a subscriber, to the outside.", [
      `${SYN} goto gate_new_out`,
      `${ST_SYN} goto gate_new_out`,
      `${NO_HANDSHAKE} goto gate_cut_out`,
      ...both("meta l4proto udp {ip} saddr . th sport @gate_cut{n} goto gate_cut_out"),
      `counter name ${counterName("seenHandshakeOut")}`,
      ...both("delete @gate_tried{n} { {ip} saddr }"),
      ...both("{ip} saddr . ").flatMap((key, i) =>
        infoHashRules(key, `@gate_refused${[4, 6][i]} goto gate_handshake_out`),
      ),
      "goto gate_passed",
    ]),
  ];
}

/** What the outside sends to a subscriber. */
function incoming(): string[] {
  return [
    refusal(
      "gate_handshake_in",
      [
        "# In a watched connection the outside is the one that connects, from a port that means nothing.",
        ...both(`${CONNECTION} @gate_watch{n} goto gate_opened_in`),
        ...both("update @gate_caught{n} { {ip} daddr . {ip} saddr . th sport }"),
      ],
      "refusedHandshakeIn",
    ),
    refusal("gate_opened_in", [], "refusedHandshakeIn"),
    refusal("gate_endpoint_in", exempts("daddr", "seenEndpointIn"), "refusedEndpointIn"),
    refusal("gate_cut_in", exempts("daddr", "seenEndpointIn"), "refusedEndpointIn"),
    chain("gate_watch_in", "", [...exempts("daddr", "seenEndpointIn"), "goto gate_watch"]),
    chain("gate_new_in", "", [
      ...both("meta l4proto tcp {ip} daddr . th dport @gate_closed{n} goto gate_watch_in"),
      ...both("{ip} daddr . th dport @gate_closed{n} goto gate_endpoint_in"),
    ]),
    chain("gate_in", "Sent by the outside, to a subscriber.", [
      `${SYN} goto gate_new_in`,
      `${ST_SYN} goto gate_new_in`,
      `${NO_HANDSHAKE} goto gate_cut_in`,
      ...both("meta l4proto udp {ip} daddr . th dport @gate_cut{n} goto gate_cut_in"),
      `counter name ${counterName("seenHandshakeIn")}`,
      ...both("{ip} daddr . ").flatMap((key, i) =>
        infoHashRules(key, `@gate_refused${[4, 6][i]} goto gate_handshake_in`),
      ),
      "goto gate_passed",
    ]),
  ];
}

/** Rules that count a packet, and let that of an exempt subscriber through. */
function exempts(subscriber: "saddr" | "daddr", seen: keyof GateCounts): string[] {
  return [`counter name ${counterName(seen)}`, ...both(`{ip} ${subscriber} @gate_exempt{n} return`)];
}

function refusal(name: string, rules: readonly string[], refused: keyof GateCounts): string {
  return chain(name, "", [...rules, `counter name ${counterName(refused)}`, "goto gate_refuse"]);
}

/** A rule for IPv4 and for IPv6: `{ip}` becomes ip and ip6, `{n}` 4 and 6. */
function both(rule: string): string[] {
  return [
    rule.replaceAll("{ip}", "ip").replaceAll("{n}", "4"),
    rule.replaceAll("{ip}", "ip6").replaceAll("{n}", "6"),
  ];
}

function chain(name: string, comment: string, rules: readonly string[]): string {
  const lines = rules.map((rule) => `    ${rule}\n`).join("");
  return `${comment === "" ? "" : `  # ${comment}\n`}  chain ${name} {\n${lines}  }`;
}
