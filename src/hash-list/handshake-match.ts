/**
 * Expressions of nftables that match and refuse BitTorrent handshakes, for the rules of the hash list and of the gate.
 *
 * A handshake (BEP 3) is 19, "BitTorrent protocol", 8 reserved bytes, the info-hash. It is the first payload of either
 * side over TCP, and over uTP (BEP 29) the payload of its first ST_DATA packet, behind a header of 20 bytes that may
 * have extensions.
 */

/** A position of a handshake in the payload of TCP or UDP. */
interface Carrier {
  readonly name: string;
  readonly transport: "tcp" | "udp";
  /** An expression that matches only this carrier among those of the transport, or "". */
  readonly match: string;
  /** Bytes before the handshake. */
  readonly offset: number;
}

const CARRIERS: readonly Carrier[] = [
  { name: "TCP", transport: "tcp", match: "", offset: 0 },
  { name: "no extension", transport: "udp", match: "@ih,8,8 0", offset: 20 },
  {
    name: "one extension of 4 bytes: a short selective ack",
    transport: "udp",
    match: "@ih,8,8 != 0 @ih,160,16 0x0004",
    offset: 26,
  },
  {
    name: "one extension of 8 bytes: extension bits, a longer selective ack",
    transport: "udp",
    match: "@ih,8,8 != 0 @ih,160,16 0x0008",
    offset: 30,
  },
];

const PROTOCOL = Buffer.from("\x13BitTorrent protocol", "latin1").toString("hex");
const INFO_HASH_OFFSET = 28;

/** Rules that match the handshakes of one transport, and go to a chain. */
export function carrierRules(wanted: "tcp" | "udp", chain: string): string {
  return CARRIERS.filter(({ transport }) => transport === wanted)
    .map(({ name, match, offset }) => {
      const [first, rest] = [8 * offset, 8 * offset + 128];
      const protocol = `@ih,${first},128 0x${PROTOCOL.slice(0, 32)} @ih,${rest},32 0x${PROTOCOL.slice(32)}`;
      const before = wanted === "tcp" ? "meta l4proto tcp" : match;
      return `    # ${name}\n    ${before} ${protocol} goto ${chain}`;
    })
    .join("\n");
}

/**
 * Rules that look the info-hash of a handshake up in a set, one for each carrier.
 * @param key what stands before the info-hash in an element, with its dots, or "".
 * @param rest the set, and what happens to a match.
 */
export function infoHashRules(key: string, rest: string): string[] {
  return CARRIERS.map(({ transport, match, offset }) =>
    ["meta l4proto", transport, match, key + infoHashAt(offset), rest].filter(Boolean).join(" "),
  );
}

/** The info-hash of a handshake that starts `offset` bytes into the payload. */
function infoHashAt(offset: number): string {
  const bit = 8 * (offset + INFO_HASH_OFFSET);
  return `@ih,${bit},128 . @ih,${bit + 128},32`;
}

/** The chain that refuses. A client that is reset tries another peer at once. Only the two ends can reset uTP. */
export function refuseChain(name: string): string {
  return `  # A client that is reset tries another peer at once. A reset of uTP holds what only the two ends know.
  chain ${name} {
    meta l4proto tcp reject with tcp reset
    drop
  }`;
}
