/** Each format with a text as its program or server writes it, and with texts that are something else. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatPrefix } from "../../network/prefix.ts";
import { PrefixCollector } from "../prefix-collector.ts";
import { PREFIX_FORMATS, type PrefixFormatName } from "./formats.ts";

function read(
  format: PrefixFormatName,
  text: string,
  select: readonly string[] = [],
  limit = 1000,
): { prefixes: string[]; notes: readonly string[] } {
  const found = new PrefixCollector(limit);
  const parser = PREFIX_FORMATS[format].parser(found, select);
  for (const [i, line] of text.split("\n").entries()) parser.line(line, i + 1);
  parser.end();
  const { prefixes, notes } = found.finish();
  return { prefixes: prefixes.map(formatPrefix), notes };
}

const prefixesIn = (...args: Parameters<typeof read>) => read(...args).prefixes;

const ERROR_PAGE =
  "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body>502</body></html>\n";

describe("list", () => {
  test("a prefix per line, in order and once", () => {
    const text =
      "# ours\n198.51.100.0/24 # homes\n\n 192.0.2.0/24\n2001:db8::/32\n192.0.2.0/24\n192.0.2.77\n";
    assert.deepEqual(prefixesIn("list", text), [
      "192.0.2.0/24",
      "192.0.2.77/32",
      "198.51.100.0/24",
      "2001:db8::/32",
    ]);
  });

  test("one mistake refuses everything", () => {
    assert.throws(() => read("list", "192.0.2.0/24\n192.0.2.0/33\n"), /^Error: line 2: "192.0.2.0\/33"/);
    assert.throws(() => read("list", ERROR_PAGE), { message: 'line 1: "<!DOCTYPE html>" is not a prefix' });
    assert.throws(() => read("list", "\u001b]0;x\u0007\n"), { message: 'line 1: "?]0;x?" is not a prefix' });
  });
});

const RPSL = `%  This is a whois server in the form of the RIPE database.
%
% Note: this output has been filtered.

% Information related to '192.0.2.0/24AS64500'

route:          192.0.2.0/24
descr:          Example Networks
+               second line of the description
origin:         AS64500
mnt-by:         EXAMPLE-MNT
created:        2020-01-01T00:00:00Z
source:         RIPE # Filtered

route6:         2001:db8::/32
origin:         as064500 # upper or lower case
mnt-by:         EXAMPLE-MNT
source:         RIPE

route:          198.51.100.0/24
remarks:        origin: AS64500 is a remark here
                members: too
origin:
+               AS64501
source:         RIPE

route:          203.0.113.0/24
origin:         AS64666
source:         RIPE

route:          203.0.113.300/24
origin:         AS64500
source:         RIPE

as-set:         AS-EXAMPLE
descr:          customers
members:        AS64500, AS-Nested,
                AS64500:AS-CUSTOMERS # continued
members:        AS-ELSEWHERE
source:         RIPE

as-set:         AS-NESTED
members:        AS64501, AS-EXAMPLE
source:         RIPE

as-set:         AS64500:AS-CUSTOMERS
source:         RIPE

% This query was served by the example database.
`;

describe("rpsl", () => {
  test("all route objects; invalid ones are left out and counted", () => {
    assert.deepEqual(read("rpsl", RPSL), {
      prefixes: ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"],
      notes: ["invalid prefixes left out: 1"],
    });
  });

  test("those of an AS, and those of an as-set whose members contain each other", () => {
    const own = ["192.0.2.0/24", "2001:db8::/32"];
    assert.deepEqual(prefixesIn("rpsl", RPSL, ["AS64500"]), own);
    assert.deepEqual(prefixesIn("rpsl", RPSL, ["AS064501"]), ["198.51.100.0/24"]);
    const { prefixes, notes } = read("rpsl", RPSL, ["AS-EXAMPLE"]);
    assert.deepEqual(prefixes, ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]);
    assert.match(notes[0], /^nested as-sets not in the text: 1, such as AS-ELSEWHERE$/);
  });

  test("an as-set that is not there, a complaint of the server, and other texts are refused", () => {
    assert.throws(() => read("rpsl", RPSL, ["AS-OTHER"]), {
      message: "the as-set AS-OTHER is not in the text",
    });
    assert.throws(() => read("rpsl", `${RPSL}\n%ERROR:201: access denied for 192.0.2.1\n`), {
      message: 'the server answers "%ERROR:201: access denied for 192.0.2.1"',
    });
    assert.throws(() => read("rpsl", RPSL, ["AS64999"]), /^Error: no prefixes/);
    assert.throws(() => read("rpsl", "%  No entries found\n"), { message: "no prefixes" });
    assert.throws(() => read("rpsl", ERROR_PAGE), { message: "no prefixes" });
  });
});

const BIRD = `BIRD 2.0.12 ready.
Access restricted
Table master4:
0.0.0.0/0            unicast [upstream 2026-01-02 from 192.0.2.1] * (100) [AS64496i]
	via 192.0.2.1 on eth0
192.0.2.0/24         unreachable [own 13:30:04.169] * (200)
                     unicast [peer 13:30:08.765 from 127.0.0.3] (100/-) [AS64501i]
	via 127.0.0.3 on eth1
	Type: BGP univ
	BGP.as_path: 64501
203.0.113.0/24       unicast [peer 13:30:08.765 from 127.0.0.3] * (100/-) [AS64501i]
	via 127.0.0.3 on eth1
                     unicast [other 13:30:08.765] (100) [AS64502?]

Table master6:
2001:db8::/32        unicast [peer6 2026-01-02] * (100/20) [AS64501e]

Table vpn4:
64500:1 198.51.100.0/24 unicast [vpn 2026-01-02] * (100) [AS64501i]

Table roa4:
198.51.100.0/24-24 AS64501  [rpki 2026-01-02] * (100)
`;

/** What `birdc -v` prints: a code before each line, or five spaces if it is the same. */
const BIRD_CODES = `0001 BIRD 2.0.12 ready.
1007-Table master4:
     192.0.2.0/24         unreachable [own 13:30:04.169] * (200)
1008-	Type: static univ
1007-203.0.113.0/24       unicast [peer 13:30:08.765 from 127.0.0.3] * (100/-) [AS64501i]
0000
`;

const BIRD_1 = `BIRD 1.6.8 ready.
192.0.2.0/24       via 198.51.100.1 on eth0 [peer 2026-01-02] * (100) [AS64501i]
                   via 198.51.100.2 on eth0 [other 2026-01-02] (100) [AS64502i]
`;

describe("bird", () => {
  test("every prefix once, with all versions; the default route is left out", () => {
    assert.deepEqual(read("bird", BIRD), {
      prefixes: ["192.0.2.0/24", "203.0.113.0/24", "2001:db8::/32"],
      notes: ["prefixes wider than /8 (IPv6: /16) left out: 1"],
    });
    assert.deepEqual(prefixesIn("bird", BIRD_CODES), ["192.0.2.0/24", "203.0.113.0/24"]);
    assert.deepEqual(prefixesIn("bird", BIRD_1), ["192.0.2.0/24"]);
  });

  test("only prefixes whose best route has one of the origins", () => {
    assert.deepEqual(prefixesIn("bird", BIRD, ["AS064501"]), ["203.0.113.0/24", "2001:db8::/32"]);
    assert.deepEqual(prefixesIn("bird", BIRD_1, ["AS64501"]), ["192.0.2.0/24"]);
    assert.throws(() => read("bird", BIRD_1, ["AS64502"]), { message: "no prefixes" });
  });

  test("other texts are refused", () => {
    assert.throws(() => read("bird", "BIRD 2.0.12 ready.\nsyntax error\n"), { message: "no prefixes" });
    assert.throws(() => read("bird", ERROR_PAGE), { message: "no prefixes" });
  });
});

const ALTO = JSON.stringify(
  {
    meta: { vtag: { "resource-id": "default-network-map", tag: "da65eca2eb7a10ce8b059740b0b2e3f8eb1d4785" } },
    "network-map": {
      subscribers: { ipv4: ["192.0.2.0/24", "198.51.100.0/25"], "ethernet-48": ["00-00-5E-00-53-00"] },
      partners: { ipv4: ["198.51.100.128/25"], ipv6: ["2001:db8:1::/48"] },
      internet: { ipv4: ["0.0.0.0/0"], ipv6: ["::/0"] },
    },
  },
  null,
  2,
);

describe("alto", () => {
  test("all PIDs but the default routes, or the selected ones", () => {
    assert.deepEqual(read("alto", ALTO), {
      prefixes: ["192.0.2.0/24", "198.51.100.0/25", "198.51.100.128/25", "2001:db8:1::/48"],
      notes: ["prefixes wider than /8 (IPv6: /16) left out: 2"],
    });
    assert.deepEqual(prefixesIn("alto", ALTO, ["partners"]), ["198.51.100.128/25", "2001:db8:1::/48"]);
  });

  test("what is no network map is refused", () => {
    const cases: readonly (readonly [text: string, message: string])[] = [
      [ERROR_PAGE, "not JSON"],
      ["[]", "not an ALTO network map"],
      ['{ "meta": {}, "cost-map": {} }', "not an ALTO network map"],
      ['{ "network-map": null }', "not an ALTO network map"],
      ['{ "network-map": { "a": [] } }', 'the PID "a" has no addresses'],
      [
        '{ "network-map": { "a": { "ipv4": "192.0.2.0/24" } } }',
        'the addresses of the PID "a" are not a list',
      ],
      ['{ "network-map": { "a": { "ipv4": [7, null] } } }', "no prefixes; invalid prefixes left out: 2"],
      ['{ "network-map": { "__proto__": { "ipv4": [] } } }', "no prefixes"],
    ];
    for (const [text, message] of cases) assert.throws(() => read("alto", text), { message }, text);
    for (const pid of ["homes", "constructor", "__proto__"])
      assert.throws(() => read("alto", ALTO, [pid]), {
        message: `the PID "${pid}" is not in the network map`,
      });
  });
});

test("prefixes wider than any network are left out; private ones are not", () => {
  const text =
    "0.0.0.0/0\n0.0.0.0/1\n128.0.0.0/7\n::/0\n2000::/3\n::ffff:0.0.0.0/96\n10.0.0.0/8\nfc00::/7\n2001::/16\n";
  assert.deepEqual(read("list", text), {
    prefixes: ["10.0.0.0/8", "2001::/16", "fc00::/7"],
    notes: ["prefixes wider than /8 (IPv6: /16) left out: 6"],
  });
  assert.throws(() => read("list", "0.0.0.0/0\n"), /^Error: no prefixes; prefixes wider/);
});

test("the limit counts different prefixes", () => {
  const text = "192.0.2.1\n192.0.2.1\n192.0.2.2\n192.0.2.3\n";
  assert.equal(prefixesIn("list", text, [], 3).length, 3);
  assert.throws(() => prefixesIn("list", text, [], 2), { message: "more prefixes than max_prefixes, 2" });
});
