/** Connections that exist when their ends are closed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GateElements, GateHome } from "../../src/gate/protocol.ts";
import { cutting, elementUpdate, renewal } from "../../src/gate/router/nft-lists.ts";
import { formatGateRules } from "../../src/gate/router/ruleset.ts";
import { Bed, until } from "../support/bed.ts";
import { Internet, namespacesMissing } from "../support/networks.ts";
import { nft } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";

const skip = toolsMissing(["nftables", "iproute2"]) || namespacesMissing();

const [CLOSED, FAR] = ["203.0.113.10", "198.51.100.20"];
const HOMES: readonly GateHome[] = [
  { id: 1, name: "operator", members: ["203.0.113.0/24"], inside: ["203.0.113.0/24"] },
];
const LISTS: GateElements = { closed: [`${CLOSED} 6881`], hosts: [CLOSED], far: [`${FAR} 7001`] };

/** Of a torrent that is not refused. */
const HANDSHAKE = `\x13BitTorrent protocol${"h".repeat(48)}`;

/** Echoes; and keeps a connection in use, of which it prints every byte that comes back. */
const ECHO = `require("node:net").createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(Number(process.argv[1]), () => console.log("listening"))`;
const CHATTER = `
const [host, port, localAddress, first = ""] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port), localAddress });
socket.write(first, "latin1");
socket.on("data", (bytes) => process.stdout.write(bytes));
setInterval(() => socket.write("xxxxxxxx"), 20);`;

test("a connection that is there when its ends are closed goes on", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const internet = new Internet(bed);
  const operator = internet.addNetwork("operator", ["203.0.113.0/24"]);
  const elsewhere = internet.addNetwork("elsewhere", ["198.51.100.0/24"]);
  const echo = bed.run([process.execPath, "-e", ECHO, "7001"], elsewhere.namespace);
  await until("the echo listens", () => echo.stdout !== "");
  const chatter = () => bed.run([process.execPath, "-e", CHATTER, FAR, "7001", CLOSED], operator.namespace);
  const early = chatter();
  await until("it talks", () => early.stdout !== "");
  const options = { homes: HOMES, bridge: false, countOnly: false };
  nft(internet.core, ["-f", "-"], formatGateRules(options, { chains: [], sets: [], counters: [] }));
  nft(internet.core, ["-f", "-"], elementUpdate("inet btrt", LISTS, {}) + renewal("inet btrt", 600));
  const late = chatter();
  await until("a new connection is refused", () => late.end !== undefined);
  assert.match(late.stderr, /ECONNRESET/);
  const before = early.stdout.length;
  await until("the old one goes on", () => early.stdout.length > before + 20);
});

test("what exists of an endpoint is cut while it is closed, and what begins with a handshake goes on", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const internet = new Internet(bed);
  const operator = internet.addNetwork("operator", ["203.0.113.0/24"]);
  const elsewhere = internet.addNetwork("elsewhere", ["198.51.100.0/24"]);
  const echo = bed.run([process.execPath, "-e", ECHO, "6881"], operator.namespace);
  await until("the echo listens", () => echo.stdout !== "");
  const chatter = (first: string) =>
    bed.run([process.execPath, "-e", CHATTER, CLOSED, "6881", FAR, first], elsewhere.namespace);
  const early = chatter("");
  await until("it talks", () => early.stdout !== "");
  const options = { homes: HOMES, bridge: false, countOnly: false };
  nft(internet.core, ["-f", "-"], formatGateRules(options, { chains: [], sets: [], counters: [] }));
  nft(internet.core, ["-f", "-"], elementUpdate("inet btrt", LISTS, {}) + renewal("inet btrt", 600));
  const before = early.stdout.length;
  await until("it goes on as long as it is not cut", () => early.stdout.length > before + 20);
  nft(internet.core, ["-f", "-"], cutting("inet btrt", [`${CLOSED} 6881`]));
  await until("it is cut", () => early.end !== undefined);
  assert.match(early.stderr, /ECONNRESET/);
  const handshake = chatter(HANDSHAKE);
  await until("it goes on", () => handshake.stdout.length > 100);
  assert.equal(handshake.end, undefined);
  nft(internet.core, ["-f", "-"], elementUpdate("inet btrt", {}, LISTS));
  const reopened = chatter("");
  await until("what begins when it is open again goes on", () => reopened.stdout.length > 100);
  assert.equal(reopened.end, undefined);
  const whileOpen = chatter(HANDSHAKE);
  await until("so does a handshake", () => whileOpen.stdout.length > 100);
  nft(internet.core, ["-f", "-"], elementUpdate("inet btrt", LISTS, {}));
  nft(internet.core, ["-f", "-"], cutting("inet btrt", [`${CLOSED} 6881`]));
  await until("what began while it was open is cut", () => [reopened, whileOpen].every(({ end }) => end));
  const { length } = handshake.stdout;
  await until(
    "what was let through while it was closed goes on",
    () => handshake.stdout.length > length + 20,
  );
});
