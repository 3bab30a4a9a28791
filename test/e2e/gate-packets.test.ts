/** Which packets a router, and a bridge, refuse for the gate, and which it leaves alone. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { GateElements, GateHome } from "../../src/gate/protocol.ts";
import { GATE_COUNTERS, type GateCounts } from "../../src/gate/report.ts";
import { counterName, elementUpdate, opening, renewal } from "../../src/gate/router/nft-lists.ts";
import { formatGateRules } from "../../src/gate/router/ruleset.ts";
import { tableName } from "../../src/hash-list/nftables-names.ts";
import { Bed, ip, until } from "../support/bed.ts";
import { Internet, namespacesMissing } from "../support/networks.ts";
import { bridgeCanReset, nft, readCounters } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { handshake, UTP, utp } from "./bittorrent-packets.ts";
import type { Fate, Payload } from "./payloads.ts";

const PAYLOADS = fileURLToPath(new URL("./payloads.ts", import.meta.url));
/** Everybody listens here. */
const PORT = 6881;
/** The closed subscriber's other client has this one. */
const OTHER_PORT = 7000;
/**
 * The next port that TCP is sent from, below those that the kernel chooses. A router's reset ends one side only: with the
 * same port again the other side would not answer at once, and the first packet would be repeated and counted twice.
 */
let nextPort = 20_000;
const skip = toolsMissing(["nftables", "iproute2"]) || namespacesMissing();

const gated = randomBytes(20);
const unknown = randomBytes(20);
/** All but its last byte is as in the gated one. */
const nearly = Buffer.from(gated).fill(gated[19] ^ 1, 19);

/** Addresses, by family. */
const CLOSED = { 4: "203.0.113.10", 6: "2001:db8:1::10" } as const;
const OPEN = { 4: "203.0.113.20", 6: "2001:db8:1::20" } as const;
const OUTSIDE = { 4: "198.51.100.10", 6: "2001:db8:3::10" } as const;
const FAR = { 4: "198.51.100.20", 6: "2001:db8:3::20" } as const;
const PARTNER = "198.18.0.10";
const FAMILIES = [4, 6] as const;

const HOMES: readonly GateHome[] = [
  {
    id: 1,
    name: "operator",
    members: ["203.0.113.0/24", "2001:db8:1::/48"],
    inside: ["203.0.113.0/24", "198.18.0.0/24", "2001:db8:1::/48"],
  },
  { id: 2, name: "elsewhere", members: ["192.168.0.0/16"], inside: [] },
];

const LISTS: GateElements = {
  refused: FAMILIES.map((family) => `${CLOSED[family]} ${gated.toString("hex")}`),
  closed: FAMILIES.flatMap((family) => [`${CLOSED[family]} ${PORT}`, `${CLOSED[family]} ${OTHER_PORT}`]),
  hosts: FAMILIES.map((family) => CLOSED[family]),
  far: FAMILIES.map((family) => `${FAR[family]} ${PORT}`),
};

interface Case {
  readonly what: string;
  readonly payload: Omit<Payload, "bytes"> & { readonly bytes: Buffer };
  readonly fate?: Fate;
  /** The counters that it adds one to. */
  readonly counts?: readonly (keyof GateCounts)[];
}

/** A connection over TCP in which a handshake is sent, or other bytes. */
function tcp(from: string, to: string, bytes: Buffer = handshake(unknown)): Case["payload"] {
  return { protocol: "tcp", from, to, bytes };
}

function udp(from: string, to: string, bytes: Buffer, fromPort = 0): Case["payload"] {
  return { protocol: "udp", from, to, bytes, fromPort };
}

/** A request to a UDP tracker (BEP 15) whose connection id looks like an ST_SYN. */
function trackerRequest(second: number, action: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.set([0x41, second]);
  bytes[11] = action;
  return bytes;
}

const NOTHING = Buffer.alloc(0);
const SHORT = Buffer.from("hello");

/** What the closed subscriber sends outside: refused are handshakes of the gated torrent, and what may hide one. */
function handshakesOut(family: 4 | 6): Case[] {
  const way = [CLOSED[family], OUTSIDE[family]] as const;
  const counts = ["seenHandshakeOut", "refusedHandshakeOut"] as const;
  return [
    { what: "no handshake", payload: tcp(...way, SHORT) },
    { what: "another torrent", payload: tcp(...way, handshake(nearly)), counts: ["seenHandshakeOut"] },
    { what: "gated, TCP", payload: tcp(...way, handshake(gated)), fate: "reset", counts },
    { what: "gated, uTP", payload: udp(...way, utp(UTP.data, handshake(gated))), fate: "lost", counts },
    {
      what: "gated, selective ack",
      payload: udp(...way, utp(UTP.data, handshake(gated), 4)),
      fate: "lost",
      counts,
    },
    {
      what: "gated, extension bits",
      payload: udp(...way, utp(UTP.data, handshake(gated), 8)),
      fate: "lost",
      counts,
    },
    {
      what: "no handshake, where one was refused",
      payload: tcp(...way, SHORT),
      fate: "reset",
      counts: ["seenFarOut", "refusedFarOut"],
    },
    {
      what: "another torrent, where a handshake was refused",
      payload: tcp(...way),
      counts: ["seenFarOut", "seenHandshakeOut"],
    },
    { what: "no connection of uTP", payload: udp(...way, utp(UTP.state, NOTHING)) },
    {
      what: "gated, of another subscriber",
      payload: tcp(OPEN[family], OUTSIDE[family], handshake(gated)),
      counts: ["seenHandshakeOut"],
    },
  ];
}

/** What the outside sends to the closed subscriber: new connections of uTP, and of TCP without a handshake of another torrent. */
function connectionsIn(family: 4 | 6): Case[] {
  const way = [OUTSIDE[family], CLOSED[family]] as const;
  const counts = ["seenEndpointIn", "refusedEndpointIn"] as const;
  const handshakeCounts = ["seenHandshakeIn", "refusedHandshakeIn"] as const;
  return [
    { what: "another torrent, TCP", payload: tcp(...way), counts: ["seenEndpointIn", "seenHandshakeIn"] },
    { what: "no handshake, TCP", payload: tcp(...way, SHORT), fate: "reset", counts },
    {
      what: "gated, TCP",
      payload: tcp(...way, handshake(gated)),
      fate: "reset",
      counts: ["seenEndpointIn", ...handshakeCounts],
    },
    { what: "ST_SYN", payload: udp(...way, utp(UTP.syn, NOTHING)), fate: "lost", counts },
    { what: "ST_SYN, selective ack", payload: udp(...way, utp(UTP.syn, NOTHING, 4)), fate: "lost", counts },
    { what: "ST_SYN, extension bits", payload: udp(...way, utp(UTP.syn, NOTHING, 8)), fate: "lost", counts },
    {
      what: "gated, uTP",
      payload: udp(...way, utp(UTP.data, handshake(gated))),
      fate: "lost",
      counts: handshakeCounts,
    },
    { what: "other data of uTP", payload: udp(...way, utp(UTP.data, SHORT)) },
    {
      what: "DHT",
      payload: udp(...way, Buffer.from("d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe")),
    },
    { what: "UDP tracker: announce", payload: udp(...way, trackerRequest(0, 1, 98)) },
    { what: "UDP tracker: scrape", payload: udp(...way, trackerRequest(0, 2, 36)) },
    { what: "UDP tracker: scrape, as with an extension", payload: udp(...way, trackerRequest(1, 2, 36)) },
    { what: "19 bytes", payload: udp(...way, trackerRequest(0, 0, 19)) },
    { what: "21 bytes", payload: udp(...way, trackerRequest(0, 0, 21)) },
    { what: "to another subscriber, TCP", payload: tcp(OUTSIDE[family], OPEN[family], SHORT) },
    {
      what: "to another subscriber, ST_SYN",
      payload: udp(OUTSIDE[family], OPEN[family], utp(UTP.syn, NOTHING)),
    },
  ];
}

/** New connections of the closed subscriber. */
function connectionsOut(family: 4 | 6): Case[] {
  const endpoint = ["seenEndpointOut", "refusedEndpointOut"] as const;
  const far = ["seenFarOut", "refusedFarOut"] as const;
  const [from, to, syn] = [CLOSED[family], OUTSIDE[family], utp(UTP.syn, NOTHING)];
  return [
    {
      what: "ST_SYN from the announced port",
      payload: udp(from, to, syn, OTHER_PORT),
      fate: "lost",
      counts: endpoint,
    },
    { what: "ST_SYN from another port", payload: udp(from, to, syn) },
    { what: "other UDP from the announced port", payload: udp(from, to, SHORT, OTHER_PORT) },
    {
      what: "another torrent at a far endpoint",
      payload: tcp(from, FAR[family]),
      counts: ["seenFarOut", "seenHandshakeOut"],
    },
    {
      what: "no handshake at a far endpoint",
      payload: tcp(from, FAR[family], SHORT),
      fate: "reset",
      counts: far,
    },
    { what: "ST_SYN to a far endpoint", payload: udp(from, FAR[family], syn), fate: "lost", counts: far },
    { what: "DHT to a far endpoint", payload: udp(from, FAR[family], Buffer.from("d1:ye")) },
    { what: "another subscriber to a far endpoint", payload: tcp(OPEN[family], FAR[family], SHORT) },
  ];
}

/** Encrypted tries after which a subscriber is exempt. */
const TRIES = 60;

/** The last ones, because in the end the subscriber is exempt. */
function exemption(family: 4 | 6): Case[] {
  const [from, to, far] = [CLOSED[family], OUTSIDE[family], FAR[family]];
  const plain: Case = {
    what: "in plaintext",
    payload: tcp(from, far),
    counts: ["seenFarOut", "seenHandshakeOut"],
  };
  const encrypted: Case = {
    what: "encrypted",
    payload: tcp(from, far, SHORT),
    fate: "reset",
    counts: ["seenFarOut", "refusedFarOut"],
  };
  return [
    ...Array<Case>(TRIES / 2).fill(encrypted),
    plain,
    ...Array<Case>(TRIES).fill(encrypted),
    { what: "insists", payload: tcp(from, far, SHORT), counts: ["seenFarOut", "exempted"] },
    { what: "exempt", payload: tcp(from, far, SHORT), counts: ["seenFarOut"] },
    {
      what: "exempt, ST_SYN",
      payload: udp(from, to, utp(UTP.syn, NOTHING), OTHER_PORT),
      counts: ["seenEndpointOut"],
    },
    {
      what: "exempt, gated all the same",
      payload: tcp(from, to, handshake(gated)),
      fate: "reset",
      counts: ["seenFarOut", "seenHandshakeOut", "refusedHandshakeOut"],
    },
  ];
}

/** Sends the cases in turn, and compares what became of each and what has been counted. */
async function tryCases(
  bed: Bed,
  router: string,
  sender: string,
  table: string,
  cases: readonly Case[],
): Promise<void> {
  const payloads = cases.map(({ payload }) => ({
    ...(payload.protocol === "tcp" ? { fromPort: nextPort++ } : {}),
    ...payload,
    bytes: payload.bytes.toString("hex"),
  }));
  const before = readCounters(router, table);
  const sending = bed.run(
    [process.execPath, PAYLOADS, "send", String(PORT), JSON.stringify(payloads)],
    sender,
  );
  assert.equal(await sending.ended, 0, sending.stderr);
  const after = readCounters(router, table);
  const fates: readonly Fate[] = JSON.parse(sending.stdout);
  const named = (fateOf: (each: Case, i: number) => Fate) =>
    cases.map((each, i) => `${each.what}, ${each.payload.from} to ${each.payload.to}: ${fateOf(each, i)}`);
  assert.deepEqual(
    named((_, i) => fates[i]),
    named(({ fate }) => fate ?? "answered"),
  );
  const counts = cases.flatMap((each) => each.counts ?? []);
  const counted = GATE_COUNTERS.map((name) => {
    const more = after[counterName(name)] - before[counterName(name)];
    // A refused connection is still there at its other end: a new one from the same port sends its SYN twice.
    const wanted = counts.filter((each) => each === name).length;
    return [name, name === "seenFarOut" && more === wanted + 1 ? wanted : more];
  });
  assert.deepEqual(
    Object.fromEntries(counted),
    Object.fromEntries(GATE_COUNTERS.map((name) => [name, counts.filter((each) => each === name).length])),
  );
}

/** The same cases where nothing is refused. */
function passing(cases: readonly Case[]): Case[] {
  return cases.map(({ what, payload }) => ({ what, payload }));
}

async function listen(bed: Bed, namespace: string): Promise<void> {
  const listener = bed.run([process.execPath, PAYLOADS, "listen", String(PORT)], namespace);
  await until("the listener listens", () => listener.stdout !== "");
}

/** Rules and lists; nothing is refused until they are renewed. */
function load(
  router: string,
  options: { bridge?: boolean; countOnly?: boolean } = {},
  by = (rules: string) => rules,
) {
  const { bridge = false, countOnly = false } = options;
  const present = { chains: [], sets: [], counters: [] };
  nft(router, ["-f", "-"], by(formatGateRules({ homes: HOMES, bridge, countOnly }, present)));
  nft(router, ["-f", "-"], elementUpdate(tableName(bridge), LISTS, {}));
}

test("a router refuses new connections of closed subscribers with the outside, and nothing else", {
  skip,
  timeout: 240_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const internet = new Internet(bed);
  const { core } = internet;
  const operator = internet.addNetwork("operator", ["203.0.113.0/24", "2001:db8:1::/48"]);
  const partner = internet.addNetwork("partner", ["198.18.0.0/24"]);
  const elsewhere = internet.addNetwork("elsewhere", ["198.51.100.0/24", "2001:db8:3::/48"]);
  for (const { namespace } of [operator, partner, elsewhere]) await listen(bed, namespace);
  const out = FAMILIES.flatMap((family) => [...handshakesOut(family), ...connectionsOut(family)]);
  const back = FAMILIES.flatMap(connectionsIn);
  const from = (network: { readonly namespace: string }, cases: readonly Case[]) =>
    tryCases(bed, core, network.namespace, "inet btrt", cases);

  load(core);
  await from(operator, passing(out));
  await from(elsewhere, passing(back));

  nft(core, ["-f", "-"], renewal("inet btrt", 600));
  await from(operator, out);
  await from(elsewhere, back);
  const syn = utp(UTP.syn, NOTHING);
  await from(operator, [
    { what: "inside, gated", payload: tcp(CLOSED[4], PARTNER, handshake(gated)) },
    { what: "inside, ST_SYN", payload: udp(CLOSED[4], PARTNER, syn, OTHER_PORT) },
  ]);
  await from(partner, [
    { what: "inside, TCP", payload: tcp(PARTNER, CLOSED[4], SHORT) },
    { what: "inside, ST_SYN", payload: udp(PARTNER, CLOSED[4], syn) },
  ]);
  for (const family of FAMILIES) await from(operator, exemption(family));

  nft(core, ["-f", "-"], opening("inet btrt"));
  await from(operator, passing(out));
  await from(elsewhere, passing(back));
  nft(core, ["delete", "table", "inet", "btrt"]);

  load(core, { countOnly: true });
  nft(core, ["-f", "-"], renewal("inet btrt", 600));
  const counted = (cases: readonly Case[]): Case[] =>
    cases.map((each) => ({ ...each, fate: "answered" as const }));
  const noHandshakes = ({ payload: { protocol } }: Case) => protocol === "udp";
  await from(operator, counted(out.filter(noHandshakes)));
  await from(elsewhere, counted(back.filter(noHandshakes)));
});

test("a bridge does the same", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const bridge = bed.addNamespace("bridge");
  ip(`-n ${bridge} link add br0 type bridge`);
  ip(`-n ${bridge} link set br0 up`);
  const subscribers = { 4: [CLOSED[4], OPEN[4]], 6: [CLOSED[6], OPEN[6]] };
  const others = { 4: [OUTSIDE[4], FAR[4]], 6: [OUTSIDE[6], FAR[6]] };
  const sides = [subscribers, others].map((own, i) => {
    const namespace = bed.addNamespace(`side${i}`);
    ip(`-n ${bridge} link add port${i} type veth peer name lan netns ${namespace}`);
    ip(`-n ${bridge} link set port${i} master br0 up`);
    ip(`-n ${namespace} link set lan up`);
    for (const family of FAMILIES) {
      const length = family === 4 ? 32 : 128;
      for (const address of own[family])
        ip(`-n ${namespace} addr add ${address}/${length} dev lan${family === 6 ? " nodad" : ""}`);
      for (const address of [others, subscribers][i][family])
        ip(`-n ${namespace} -${family} route add ${address}/${length} dev lan`);
    }
    return namespace;
  });
  for (const side of sides) await listen(bed, side);
  // Where the kernel has no module for that, what would be reset passes; all else is as it is.
  const canReset = bridgeCanReset(bridge);
  load(bridge, { bridge: true }, (rules) =>
    canReset ? rules : rules.replace("reject with tcp reset", "accept"),
  );
  nft(bridge, ["-f", "-"], renewal("bridge btrt", 600));
  const here = (cases: readonly Case[]) =>
    cases.filter(({ payload: { protocol } }) => canReset || protocol === "udp");
  const out = FAMILIES.flatMap((family) => [...handshakesOut(family), ...connectionsOut(family)]);
  await tryCases(bed, bridge, sides[0], "bridge btrt", here(out));
  await tryCases(bed, bridge, sides[1], "bridge btrt", here(FAMILIES.flatMap(connectionsIn)));
});
