/** The hash list's nftables format, loaded by the real nft into a kernel that gets real handshakes. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { nftables } from "../../src/hash-list/formats/nftables.ts";
import { emptyList, type HashList } from "../../src/hash-list/hash-list.ts";
import { NFT_SET, NFT_SET_TYPE, NFT_TABLE } from "../../src/hash-list/nftables-names.ts";
import { Bed } from "../support/bed.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";

/** Refuses every handshake of a listed torrent from the namespace's processes. */
const RULESET = `table ${NFT_TABLE} {
  set ${NFT_SET} { ${NFT_SET_TYPE}; flags timeout; }
  chain out {
    type filter hook output priority 0;
    tcp dport 6881 @ih,0,128 0x13426974546f7272656e742070726f74 @ih,224,128 . @ih,352,32 @${NFT_SET} reject with tcp reset
  }
}
`;

/** Sends a handshake for each info-hash over both families, and prints the results. */
const HANDSHAKER = `
const { createServer, connect } = require("node:net");
const server = createServer((socket) => socket.on("error", () => {}).on("data", (bytes) => socket.end(bytes)));
server.listen(6881, "::", async () => {
  const results = [];
  for (const hash of process.argv.slice(1)) for (const host of ["127.0.0.1", "::1"])
    results.push(await new Promise((resolve) => {
      const socket = connect(6881, host, () => socket.write(Buffer.concat([
        Buffer.from("\\x13BitTorrent protocol"), Buffer.alloc(8), Buffer.from(hash, "hex"), Buffer.alloc(20)])));
      socket.on("data", () => resolve("answered")).on("error", ({ code }) => resolve(code));
    }));
  console.log(results.join(" "));
  process.exit();
});`;

const hexOf = (first: number, last: number) =>
  `${first.toString(16).padStart(8, "0")}${"0".repeat(24)}${last.toString(16).padStart(8, "0")}`;

function listOf(...pairs: [number, number][]): HashList {
  const hashes = Uint32Array.from(pairs.flatMap(([first, last]) => [first, 0, 0, 0, last]));
  return { ...emptyList(0), hashes, rowsAt: new Uint32Array(pairs.length + 1) };
}

test("nft takes the list whole or not at all, and handshakes of its torrents are refused over IPv4 and IPv6", {
  skip: namespacesMissing() || toolsMissing(["iproute2", "nftables"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const namespace = bed.addNamespace("router");
  const nft = (args: readonly string[], input = "") =>
    execFileSync("ip", ["netns", "exec", namespace, "nft", ...args], {
      input,
      encoding: "utf8",
      stdio: "pipe",
    });
  const load = (list: HashList, more = "") =>
    nft(["-f", "-"], Buffer.concat([...nftables.encode(list, 1200)]).toString() + more);
  const handshake = async (...hashes: string[]) => {
    const process_ = bed.run([process.execPath, "-e", HANDSHAKER, ...hashes], namespace);
    assert.equal(await process_.ended, 0, process_.stderr);
    return process_.stdout.trim();
  };
  const [listed, sibling, other] = [hexOf(7, 1), hexOf(7, 2), hexOf(9, 9)];
  const [REFUSED, ANSWERED] = ["ECONNRESET ECONNRESET", "answered answered"];
  assert.throws(
    () => load(listOf([7, 1])),
    /No such file/,
    "without the router's rules there is nothing to update",
  );
  nft(["-f", "-"], RULESET);
  load(listOf([7, 1]));
  assert.equal(await handshake(listed, sibling, other), [REFUSED, ANSWERED, ANSWERED].join(" "));
  assert.match(nft(["list", "set", ...NFT_TABLE.split(" "), NFT_SET]), /timeout 20m expires (20m|19m)/);
  load(listOf([9, 9], [7, 2], [7, 2]));
  assert.equal(await handshake(listed, sibling, other), [ANSWERED, REFUSED, REFUSED].join(" "));
  assert.throws(() => load(listOf([7, 1]), "add element inet btrt absent { 1 }\n"));
  assert.equal(
    await handshake(listed, sibling, other),
    [ANSWERED, REFUSED, REFUSED].join(" "),
    "nothing of it",
  );
  load(listOf());
  assert.equal(await handshake(listed, sibling, other), [ANSWERED, ANSWERED, ANSWERED].join(" "));
  const many = Array.from({ length: 50_000 }, (_, i): [number, number] => [i, i]);
  load(listOf(...many));
  load(listOf(...many));
  assert.equal(await handshake(hexOf(49_999, 49_999)), REFUSED);
});
