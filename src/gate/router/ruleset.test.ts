import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { GateHome } from "../protocol.ts";
import { elementUpdate, renewal } from "./nft-lists.ts";
import { formatGateRemoval, formatGateRules } from "./ruleset.ts";

const HOMES: readonly GateHome[] = [
  {
    id: 1,
    name: "local peers",
    members: ["203.0.113.0/24", "2001:db8:1::/48"],
    inside: ["203.0.113.0/24", "2001:db8::/32"],
  },
  { id: 7, name: "branch", members: ["203.0.112.0-203.0.112.9"], inside: ["203.0.112.0/24"] },
];
const OPTIONS = { homes: HOMES, bridge: false, countOnly: false };
const PRESENT = { chains: ["gate_a", "gate_b"], sets: ["gate_c"], counters: ["gate_d"] };
const NOTHING = { chains: [], sets: [], counters: [] };

/** What nft makes of rules: without comments. */
function rulesOf(homes: readonly GateHome[]): string {
  return formatGateRules({ ...OPTIONS, homes }, NOTHING).replaceAll(/#.*/g, "");
}

test("the rules for a router are those of the golden file", async () => {
  const golden = await readFile(new URL("ruleset.golden.nft", import.meta.url), "utf8");
  assert.equal(formatGateRules(OPTIONS, NOTHING), golden);
});

test("nothing that a home is called gets out of its comment", () => {
  const names = ["x\ntable inet evil {", "\u0085\u2028}", "a\rb\\", '" #', "\0", "n".repeat(200)];
  const homes = names.map((name, i) => ({ ...HOMES[0], id: i + 1, name }));
  const plain = homes.map((home) => ({ ...home, name: "" }));
  assert.equal(rulesOf(homes), rulesOf(plain));
});

test("what is there of the gate is removed first, and counters go on", () => {
  const rules = formatGateRules(OPTIONS, PRESENT);
  const statements = [
    "flush chain inet btrt forward",
    "flush chain inet btrt utp",
    "flush chain inet btrt gate_a",
    "flush chain inet btrt gate_b",
    "delete set inet btrt gate_c",
    "delete chain inet btrt gate_a",
    "delete chain inet btrt gate_b",
  ];
  assert.ok(rules.includes(`\n${statements.join("\n")}\n`));
  assert.ok(!rules.includes("delete counter"));
  const removal = formatGateRemoval(false, PRESENT, true);
  assert.ok(removal.startsWith(`${statements.join("\n")}\ndelete counter inet btrt gate_d\n`));
  assert.ok(!removal.includes("delete table"));
  assert.equal(formatGateRemoval(true, PRESENT, false), "table bridge btrt\ndelete table bridge btrt\n");
});

test("elements become statements, what is removed first", () => {
  const hash = "00112233445566778899aabbccddeeff01234567";
  const update = elementUpdate(
    "inet btrt",
    { hosts: ["192.0.2.1", "2001:db8::1"], refused: [`192.0.2.1 ${hash}`] },
    { closed: ["2001:db8::1 6881"] },
  );
  assert.equal(
    update,
    [
      "delete element inet btrt gate_closed6 {\n2001:db8::1 . 6881,\n}\n",
      "add element inet btrt gate_refused4 {\n192.0.2.1 . 0x00112233445566778899aabbccddeeff . 0x01234567,\n}\n",
      "add element inet btrt gate_hosts4 {\n192.0.2.1,\n}\n",
      "add element inet btrt gate_hosts6 {\n2001:db8::1,\n}\n",
    ].join(""),
  );
  assert.match(
    renewal("bridge btrt", 10),
    /^add .*\ndelete element bridge btrt gate_alive \{ ip, ip6 \}\nadd .*10s/,
  );
});
