/** Sources in a configuration: their copies, and mistakes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPrefix } from "../network/prefix.ts";
import { loadConfig } from "./load.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";

const FILE = "/etc/btrt/btrt.conf";

const load = (text: string, files: Record<string, string> = {}) =>
  loadConfig({ configFile: FILE }, memoryFiles({ [FILE]: text, ...files }));

/** A problem's line without the name of the configuration file. */
const placeless = (line: string) => line.replace(/^\/etc\/btrt\/btrt.conf:(?=\d)/, "");

test("the copy of a source adds prefixes and is watched; without one, there is a warning", async () => {
  const text = `
peer_groups:
  - { name: our homes, priority: 0, cidr_list: [192.0.2.0/24], source: { from: "https://example.net/list" } }
  - { name: "../x!", priority: 1, source: { from: [/bin/cat, list], format: rpsl, select: [as-x, As1:as-Y] } }
`;
  const copy = "/var/lib/btrt/sources/our%20homes.conf";
  const loaded = await load(text, { [copy]: "# a copy\n198.51.100.0/24\nrubbish\n203.0.113.0/24\n" });
  assert.ok(loaded.config !== null, loaded.problems.map(formatProblem).join("\n"));
  const { groups, prefixSources, files, warnings } = loaded;
  assert.deepEqual(groups[0].prefixes.map(formatPrefix), [
    "198.51.100.0/24",
    "203.0.113.0/24",
    "192.0.2.0/24",
  ]);
  const absent = "/var/lib/btrt/sources/..%2Fx%21.conf";
  assert.deepEqual(files, [FILE, copy, absent]);
  assert.deepEqual(
    warnings.map((warning) => placeless(formatProblem(warning))),
    [
      `${copy}:3:1: the copy of the source is damaged`,
      `4:43: peer_groups[1].source: has not been read yet (${absent})`,
      "4:5: peer_groups[1]: has no prefixes: no address is in this group",
    ],
  );
  const [first, second] = prefixSources;
  assert.deepEqual(
    [first.group, first.from, first.format, first.copy],
    ["our homes", "https://example.net/list", "list", copy],
  );
  assert.deepEqual(
    [second.from, second.select],
    [
      ["/bin/cat", "list"],
      ["as-x", "As1:as-Y"],
    ],
  );
});

test("mistakes in a source", async () => {
  const sources = [
    "{}",
    "{ from: ftp://example.net/ }",
    "{ from: 'https://user:pw@example.net/' }",
    "{ from: [cat] }",
    "{ from: [] }",
    "{ from: 'http://a/', select: [AS1] }",
    "{ from: 'http://a/', format: bird, select: [AS1, AS-X] }",
    "{ from: 'http://a/', format: rpsl, select: [64500] }",
    "{ from: 'http://a/', format: rpsl, select: [AS-X, X] }",
    "{ from: 'http://a/', interval: 59 }",
  ];
  const text = sources.map((source, i) => `- { name: g${i}, priority: 0, source: ${source} }\n`).join("");
  const from =
    'must be a URL such as "https://example.net/prefixes.txt", without user and password, or a program with its path and ' +
    'arguments such as ["/usr/sbin/birdc", "show route"]';
  assert.deepEqual(
    (await load(`peer_groups:\n${text}`)).problems.map((problem) =>
      placeless(formatProblem(problem)).replace(/^\d+:\d+: peer_groups/, ""),
    ),
    [
      "[0].source.from: is missing",
      `[1].source.from: ${from}, not "ftp://example.net/"`,
      `[2].source.from: ${from}, not "https://user:pw@example.net/"`,
      `[3].source.from: ${from}, not a list`,
      `[4].source.from: ${from}, not a list`,
      "[5].source.select: needs the format rpsl, bird or alto",
      '[6].source.select: has "AS-X", which is not an AS number such as AS64500',
      "[7].source.select[0]: must be text of 1 to 4096 characters; quote it if it looks like a number or true or false",
      '[8].source.select: has "X", which is not an AS number or an as-set such as AS-EXAMPLE',
      "[9].source.interval: must be a whole number from 60 to 604800, not 59",
    ],
  );
});
