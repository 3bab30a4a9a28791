/**
 * The payloads that a router and a bridge count and refuse: every position of a handshake, and payloads that only
 * resemble one.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { formatRuleset, type RulesetOptions } from "../../src/hash-list/nftables-ruleset.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { Bed, ip, until } from "../support/bed.ts";
import { Internet, namespacesMissing } from "../support/networks.ts";
import { bridgeCanReset, hashElement, nft, readCounters } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { handshake, UTP, utp } from "./bittorrent-packets.ts";
import type { Fate, Payload } from "./payloads.ts";

const PAYLOADS = fileURLToPath(new URL("./payloads.ts", import.meta.url));
const PORT = 6881;
const skip = toolsMissing(["nftables", "iproute2"]) || namespacesMissing();

const listed = randomBytes(20);
const other = randomBytes(20);
/** Differs from the listed one only in its last byte. */
const nearly = Buffer.from(listed).fill(listed[19] ^ 1, 19);

const prefixes = (...texts: string[]) => texts.map((text) => parsePrefix(text).prefix);
const RULES: RulesetOptions = {
  groups: [
    {
      name: "operator",
      priority: 0,
      prefixes: prefixes("203.0.113.0/24", "2001:db8:1::/48"),
      reachableFrom: [],
    },
    { name: "partner", priority: 1, prefixes: prefixes("198.18.0.0/24"), reachableFrom: [] },
  ],
  tiers: 1,
  intervalSeconds: 600,
  maxEntries: 1000,
  bridge: false,
  countOnly: false,
};

interface Case {
  readonly what: string;
  readonly payload: Omit<Payload, "bytes"> & { readonly bytes: Buffer };
  /** Counted by the rules, in this direction. */
  readonly seen?: "outgoing" | "incoming";
  readonly refused?: true;
}

const SUBSCRIBER = { 4: "203.0.113.10", 6: "2001:db8:1::10" } as const;
const OUTSIDE = { 4: "198.51.100.10", 6: "2001:db8:3::10" } as const;
const PARTNER = "198.18.0.10";
const { data: ST_DATA, state: ST_STATE } = UTP;

/** Between subscribers and outside, from either side. */
function crossing(from: "subscriber" | "outside"): Case[] {
  const seen = from === "subscriber" ? "outgoing" : "incoming";
  const refused = true;
  return ([4, 6] as const).flatMap((family) => {
    const way =
      from === "subscriber"
        ? { from: SUBSCRIBER[family], to: OUTSIDE[family] }
        : { from: OUTSIDE[family], to: SUBSCRIBER[family] };
    const tcp = (bytes: Buffer) => ({ protocol: "tcp", ...way, bytes }) as const;
    const udp = (bytes: Buffer) => ({ protocol: "udp", ...way, bytes }) as const;
    const whole = handshake(listed);
    return [
      { what: "listed, TCP", payload: tcp(whole), seen, refused },
      { what: "listed, TCP, no peer id yet", payload: tcp(whole.subarray(0, 48)), seen, refused },
      {
        what: "listed, TCP, with what follows",
        payload: tcp(Buffer.concat([whole, Buffer.alloc(999)])),
        seen,
        refused,
      },
      { what: "not listed, TCP", payload: tcp(handshake(other)), seen },
      { what: "nearly listed, TCP", payload: tcp(handshake(nearly)), seen },
      { what: "cut short, TCP", payload: tcp(whole.subarray(0, 47)), seen },
      { what: "no handshake, TCP", payload: tcp(Buffer.from("\x13BitTorrent protocoX".padEnd(68))) },
      { what: "not at the start, TCP", payload: tcp(Buffer.concat([Buffer.alloc(1), whole])) },
      { what: "listed, uTP", payload: udp(utp(ST_DATA, whole)), seen, refused },
      { what: "listed, uTP, selective ack", payload: udp(utp(ST_DATA, whole, 4)), seen, refused },
      { what: "listed, uTP, extension bits", payload: udp(utp(ST_DATA, whole, 8)), seen, refused },
      { what: "not listed, uTP", payload: udp(utp(ST_DATA, handshake(other))), seen },
      { what: "nearly listed, uTP, selective ack", payload: udp(utp(ST_DATA, handshake(nearly), 4)), seen },
      { what: "no data, uTP", payload: udp(utp(ST_STATE, whole)) },
      { what: "no uTP", payload: udp(whole) },
      { what: "short, UDP", payload: udp(Buffer.from([1])) },
    ] satisfies Case[];
  });
}

/** Sends the cases in turn. Compares the counters of the router and the fate of each payload. */
async function tryCases(bed: Bed, router: string, sender: string, table: string, cases: readonly Case[]) {
  const payloads = cases.map(({ payload }) => ({ ...payload, bytes: payload.bytes.toString("hex") }));
  const before = readCounters(router, table);
  const sending = bed.run(
    [process.execPath, PAYLOADS, "send", String(PORT), JSON.stringify(payloads)],
    sender,
  );
  assert.equal(await sending.ended, 0, sending.stderr);
  const fates: readonly Fate[] = JSON.parse(sending.stdout);
  const after = readCounters(router, table);
  const counted = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
  const count = (wanted: (each: Case) => boolean) => cases.filter(wanted).length;
  assert.deepEqual(counted, {
    seen_outgoing: count(({ seen }) => seen === "outgoing"),
    refused_outgoing: count(({ seen, refused }) => seen === "outgoing" && refused === true),
    seen_incoming: count(({ seen }) => seen === "incoming"),
    refused_incoming: count(({ seen, refused }) => seen === "incoming" && refused === true),
  });
  return Object.fromEntries(
    cases.map(({ what, payload }, i) => [`${what}, ${payload.from} to ${payload.to}`, fates[i]]),
  );
}

/** The expected fate of each, where refusal is a reset or a drop. */
function expected(
  cases: readonly Case[],
  refusal = (protocol: string): Fate => (protocol === "tcp" ? "reset" : "lost"),
) {
  return Object.fromEntries(
    cases.map(({ what, payload, refused }) => [
      `${what}, ${payload.from} to ${payload.to}`,
      refused ? refusal(payload.protocol) : "answered",
    ]),
  );
}

async function listen(bed: Bed, namespace: string): Promise<void> {
  const listener = bed.run([process.execPath, PAYLOADS, "listen", String(PORT)], namespace);
  await until("the listener listens", () => listener.stdout !== "");
}

test("a router refuses handshakes for listed torrents between subscribers and the outside, and no others", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const internet = new Internet(bed);
  const operator = internet.addNetwork("operator", ["203.0.113.0/24", "2001:db8:1::/48"]);
  const partner = internet.addNetwork("partner", ["198.18.0.0/24"]);
  const elsewhere = internet.addNetwork("elsewhere", ["198.51.100.0/24", "2001:db8:3::/48"]);
  for (const { namespace } of [operator, partner, elsewhere]) await listen(bed, namespace);
  const { core } = internet;
  const load = () => nft(core, ["add", "element", "inet", "btrt", "hashes", `{ ${hashElement(listed)} }`]);

  nft(core, ["-f", "-"], formatRuleset(RULES));
  load();
  const out = crossing("subscriber");
  assert.deepEqual(await tryCases(bed, core, operator.namespace, "inet btrt", out), expected(out));
  const back = crossing("outside");
  assert.deepEqual(await tryCases(bed, core, elsewhere.namespace, "inet btrt", back), expected(back));

  const bytes = handshake(listed);
  const past: Case[] = [
    { what: "partner to outside", payload: { protocol: "tcp", from: PARTNER, to: OUTSIDE[4], bytes } },
    { what: "partner to subscriber", payload: { protocol: "tcp", from: PARTNER, to: SUBSCRIBER[4], bytes } },
  ];
  assert.deepEqual(await tryCases(bed, core, partner.namespace, "inet btrt", past), expected(past));
  const inside: Case[] = [
    { what: "to a partner", payload: { protocol: "tcp", from: SUBSCRIBER[4], to: PARTNER, bytes } },
  ];
  assert.deepEqual(await tryCases(bed, core, operator.namespace, "inet btrt", inside), expected(inside));

  nft(core, ["-f", "-"], formatRuleset({ ...RULES, countOnly: true }));
  load();
  const counted = await tryCases(bed, core, operator.namespace, "inet btrt", out);
  assert.deepEqual(new Set(Object.values(counted)), new Set(["answered"]), "who only counts refuses nothing");
});

test("a bridge does the same", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const bridge = bed.addNamespace("bridge");
  ip(`-n ${bridge} link add br0 type bridge`);
  ip(`-n ${bridge} link set br0 up`);
  const [subscribers, outside] = ["subscribers", "outside"].map((name, i) => {
    const namespace = bed.addNamespace(name);
    const own = [SUBSCRIBER, OUTSIDE][i];
    const others = [OUTSIDE, SUBSCRIBER][i];
    ip(`-n ${bridge} link add port${i} type veth peer name lan netns ${namespace}`);
    ip(`-n ${bridge} link set port${i} master br0 up`);
    ip(`-n ${namespace} link set lan up`);
    for (const family of [4, 6] as const) {
      const length = family === 4 ? 32 : 128;
      ip(`-n ${namespace} addr add ${own[family]}/${length} dev lan${family === 6 ? " nodad" : ""}`);
      ip(`-n ${namespace} -${family} route add ${others[family]}/${length} dev lan`);
    }
    return namespace;
  });
  await listen(bed, outside);
  await listen(bed, subscribers);
  const ruleset = formatRuleset({ ...RULES, bridge: true });
  // If the kernel has no module for resets, these packets pass. Everything else is the same.
  const canReset = bridgeCanReset(bridge);
  nft(bridge, ["-f", "-"], canReset ? ruleset : ruleset.replace("reject with tcp reset", "accept"));
  nft(bridge, ["add", "element", "bridge", "btrt", "hashes", `{ ${hashElement(listed)} }`]);
  const refusal = (protocol: string) => (protocol === "udp" ? "lost" : canReset ? "reset" : "answered");
  const out = crossing("subscriber");
  const back = crossing("outside");
  assert.deepEqual(await tryCases(bed, bridge, subscribers, "bridge btrt", out), expected(out, refusal));
  assert.deepEqual(await tryCases(bed, bridge, outside, "bridge btrt", back), expected(back, refusal));
});
