import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { parsePrefix } from "../network/prefix.ts";
import { formatRuleset, hasSubscribers, type RulesetOptions } from "./nftables-ruleset.ts";

function group(name: string, priority: number, ...prefixes: string[]) {
  return { name, priority, prefixes: prefixes.map((text) => parsePrefix(text).prefix), reachableFrom: [] };
}

const OPTIONS: RulesetOptions = {
  groups: [
    group("local peers", 0, "203.0.113.0/24", "10.0.0.0/8", "2001:db8:1::/48"),
    group("branch", 0, "203.0.112.0/24"),
    group("partner", 1, "198.18.0.0/24", "10.2.0.0/16", "2001:db8:2::/48"),
  ],
  tiers: 1,
  intervalSeconds: 600,
  maxEntries: 100_000,
  bridge: false,
  countOnly: false,
};

/** What nft makes of a ruleset: without comments. */
function rulesOf(options: RulesetOptions): string {
  return formatRuleset(options).replaceAll(/#.*/g, "");
}

test("the rules for a router are those of the golden file", async () => {
  const golden = await readFile(new URL("nftables-ruleset.golden.nft", import.meta.url), "utf8");
  assert.equal(formatRuleset(OPTIONS), golden);
});

test("nothing that a group is called gets out of its comment", () => {
  const names = ["x\ntable inet evil {", "\u0085\u2028}", "a\rb\\", '" #', "\0", "n".repeat(4096)];
  const groups = names.map((name, i) => group(name, i, `10.${i}.0.0/16`));
  const plain = groups.map((each, i) => ({ ...each, name: `group ${i}` }));
  for (const tiers of [1, names.length]) {
    const options = { ...OPTIONS, groups, tiers };
    assert.equal(rulesOf(options), rulesOf({ ...options, groups: plain }));
    assert.doesNotMatch(formatRuleset(options).replaceAll("\n", ""), /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.ok(formatRuleset(options).length < 7000, "a long name is cut short");
  }
});

test("subscribers are the nearest tiers, by longest prefix; what is in no group is outside", () => {
  const elements = (set: string, options: RulesetOptions) =>
    new RegExp(`set ${set} \\{[^}]*elements = \\{([^}]*)`)
      .exec(rulesOf(options))?.[1]
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "") ?? [];
  assert.deepEqual(elements("subscribers4", OPTIONS), [
    "10.0.0.0/15",
    "10.3.0.0-10.255.255.255",
    "203.0.112.0/23",
  ]);
  assert.deepEqual(elements("inside4", OPTIONS), ["10.0.0.0/8", "198.18.0.0/24", "203.0.112.0/23"]);
  assert.deepEqual(elements("subscribers6", OPTIONS), ["2001:db8:1::/48"]);
  assert.deepEqual(elements("inside6", OPTIONS), ["2001:db8:1::-2001:db8:2:ffff:ffff:ffff:ffff:ffff"]);
  const all = { ...OPTIONS, tiers: 2 };
  assert.deepEqual(elements("subscribers4", all), elements("inside4", all));
});

test("a set that nothing is in has no elements, and without subscribers there is nothing to do", () => {
  const options = { ...OPTIONS, groups: [group("a", 0, "10.0.0.0/8")] };
  assert.match(rulesOf(options), /set subscribers6 \{\s*type ipv6_addr\s*flags interval\s*\}/);
  assert.equal(hasSubscribers(options), true);
  assert.equal(hasSubscribers({ ...options, groups: [] }), false);
  const swallowed = [group("none", 0), group("partner", 1, "10.0.0.0/8")];
  assert.equal(hasSubscribers({ groups: swallowed, tiers: 1 }), false);
});

test("the form that only counts refuses nothing, and counts the same", () => {
  const countOnly = rulesOf({ ...OPTIONS, countOnly: true });
  assert.doesNotMatch(countOnly, /reject|drop|refuse\b/);
  const withoutRefusal = rulesOf(OPTIONS)
    .replaceAll(" goto refuse", "")
    .replace(/\s*chain refuse \{[^}]*\}/, "");
  assert.deepEqual(countOnly.match(/\S+/g), withoutRefusal.match(/\S+/g));
});

test("a bridge has the same rules in its own family, at its own hook", () => {
  const asRouter = rulesOf({ ...OPTIONS, bridge: true })
    .replaceAll("bridge btrt", "inet btrt")
    .replaceAll("prerouting", "forward");
  assert.equal(asRouter, rulesOf(OPTIONS));
});
