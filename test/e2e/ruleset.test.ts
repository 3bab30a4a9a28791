/**
 * `btrt nftables` with the real nft: it accepts every ruleset, prints it with the same meaning, and changes only its
 * own table.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { formatRuleset } from "../../src/hash-list/nftables-ruleset.ts";
import { parseAddress } from "../../src/model/address-text.ts";
import { buildPeerGroups, PeerGroups } from "../../src/network/peer-groups.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { Bed } from "../support/bed.ts";
import { namespacesMissing } from "../support/networks.ts";
import { bridgeCanReset, isInSet, nft } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { type RunOptions, runBtrt } from "../support/tracker-process.ts";

const skip = toolsMissing(["nftables", "iproute2"]) || namespacesMissing();

const CONFIG = `
peer_groups:
  - { name: "local\\ntable inet evil {}", priority: 0, cidr_list: [203.0.113.0/24, "2001:db8:1::/48"] }
  - { name: partner, priority: 1, cidr_list: [198.18.0.0/24] }
`;

const address4 = fc
  .tuple(fc.constantFrom(0, 10, 127, 255), fc.nat(3), fc.constantFrom(0, 255))
  .map(([a, b, c]) => `${a}.${b}.${c}.${c}`);
const address6 = fc
  .tuple(fc.constantFrom("::", "2001:db8::", "ffff:ffff::"), fc.constantFrom("0:0", "3:ffff", "ffff:ffff"))
  .map(([start, end]) => `${start}${end}`);
const prefix = fc
  .oneof(fc.tuple(address4, fc.nat(32)), fc.tuple(address6, fc.nat(128)))
  .map(([address, length]) => parsePrefix(`${address}/${length}`).prefix);
const options = fc.record({
  groups: fc
    .array(
      fc.tuple(fc.string({ unit: "binary", minLength: 1 }), fc.nat(3), fc.array(prefix, { maxLength: 6 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .map((groups) =>
      groups.map(([name, priority, prefixes], i) => ({
        name: `${name}${i}`,
        priority,
        prefixes,
        reachableFrom: [],
      })),
    ),
  tiers: fc.integer({ min: 1, max: 4 }),
  intervalSeconds: fc.integer({ min: 1, max: 86_400 }),
  maxEntries: fc.integer({ min: 1, max: 10_000_000 }),
  bridge: fc.boolean(),
  countOnly: fc.boolean(),
});

test("nft takes the rules of any groups, and means by them what the tracker does", {
  skip,
  timeout: 240_000,
}, async (t) => {
  const namespace = (await Bed.open(t)).addNamespace("rules");
  const canReset = bridgeCanReset(namespace);
  const addresses = fc.array(fc.oneof(address4, address6), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(options, addresses, (chosen, texts) => {
      // Where the kernel lacks this one feature, everything else is still checked.
      const ruleset = formatRuleset(chosen);
      const lacks = chosen.bridge && !canReset;
      nft(namespace, ["-f", "-"], lacks ? ruleset.replace("reject with tcp reset", "drop") : ruleset);
      const table = chosen.bridge ? "bridge btrt" : "inet btrt";
      const groups = new PeerGroups(buildPeerGroups(chosen.groups));
      for (const text of texts) {
        const address = parseAddress(text);
        const group = groups.groupOf(address);
        const isSubscriber = group !== 0 && groups.tierOf[group] < chosen.tiers;
        assert.equal(isInSet(namespace, `${table} subscribers${address.family}`, text), isSubscriber, text);
        assert.equal(isInSet(namespace, `${table} inside${address.family}`, text), group !== 0, text);
      }
    }),
    { numRuns: 60 },
  );
  assert.doesNotMatch(nft(namespace, ["list", "tables"]), /^table (?!inet btrt$|bridge btrt$)/m);
});

/** Runs `btrt nftables` to its end. */
async function runToEnd(bed: Bed, args: readonly string[], options: RunOptions) {
  const running = runBtrt(bed, ["nftables", ...args], options);
  return { code: await running.ended, out: running.stdout, err: running.stderr };
}

test("btrt nftables writes, applies and removes its own table alone, and says how", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const namespace = bed.addNamespace("apply");
  const config = bed.path("btrt.conf");
  await writeFile(config, CONFIG);
  const btrt = (...args: string[]) => runToEnd(bed, args, { namespace });
  nft(namespace, ["add", "table", "inet", "other"]);
  const written = await btrt("--config", config);
  assert.equal(written.code, 0, written.err);
  nft(namespace, ["-c", "-f", "-"], written.out);
  assert.equal(nft(namespace, ["list", "tables"]), "table inet other\n", "writing changes nothing");

  for (let times = 0; times < 2; times++) {
    const applied = await btrt("--config", config, "--apply");
    assert.deepEqual(applied, { code: 0, out: `btrt nftables --config ${config} | nft -f -\n`, err: "" });
    assert.equal(nft(namespace, ["list", "tables"]), "table inet other\ntable inet btrt\n");
  }
  for (let times = 0; times < 2; times++) {
    const removed = await btrt("--remove");
    const out = "nft 'add table inet btrt; delete table inet btrt'\n";
    assert.deepEqual(removed, { code: 0, out, err: "" });
    assert.equal(nft(namespace, ["list", "tables"]), "table inet other\n");
  }
});

test("btrt nftables says what keeps it from doing so", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const namespace = bed.addNamespace("refused");
  const config = bed.path("btrt.conf");
  await writeFile(config, CONFIG);
  const apply = (by: readonly string[]) => runToEnd(bed, ["--config", config, "--apply"], { namespace, by });

  const powerless = await apply(["setpriv", "--bounding-set=-net_admin"]);
  assert.equal(powerless.code, 1);
  assert.match(powerless.err, /^btrt: nft: .*Operation not permitted.*CAP_NET_ADMIN\n$/s);
  const hideNft = 'mount -t tmpfs none /usr/sbin && PATH= exec "$@"';
  const missing = await apply(["sh", "-c", hideNft, "sh"]);
  assert.equal(missing.err, "btrt: nft: no such program; install nftables\n");
  assert.equal(missing.code, 1);

  await writeFile(config, "peer_groups: []\n");
  const nobody = await apply([]);
  assert.match(nobody.err, /^btrt: .*peer_groups: .* no subscribers\n$/);
  assert.deepEqual({ code: nobody.code, out: nobody.out }, { code: 1, out: "" });
  await writeFile(config, "peer_grups: []\n");
  assert.match((await apply([])).err, /^btrt: .*1:1: peer_grups: .*peer_groups/);
  assert.equal(nft(namespace, ["list", "ruleset"]), "");
});
