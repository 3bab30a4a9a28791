import assert from "node:assert/strict";
import { test } from "node:test";
import { HASH_LIST_FORMATS } from "../hash-list/formats/formats.ts";
import { GROUPS_MAX } from "../network/peer-groups.ts";
import { parseDocument } from "./document.ts";
import { formatProblem } from "./problem.ts";
import { configSchema } from "./schema.ts";
import { schemaAt, shapeOf } from "./schema-tree.ts";
import { validate } from "./validate.ts";

function problemsOf(text: string): string[] {
  const document = parseDocument(text, "f");
  assert.ok("value" in document, text);
  const { config, problems } = validate(document, "f");
  assert.equal(config === undefined, problems.length > 0);
  return problems.map(formatProblem);
}

/** Every section: the path to it, with 0 for an element of a list. */
function sectionPaths(path: (string | number)[] = []): (string | number)[][] {
  const shape = shapeOf(schemaAt(configSchema, path)!);
  if (shape.kind === "list") return sectionPaths([...path, 0]);
  if (shape.kind === "value") return [];
  return [path, ...Object.keys(shape.keys).flatMap((key) => sectionPaths([...path, key]))];
}

/** Writes `line` at a path. @returns the text, and the column of the line in its last line. */
function write(path: readonly (string | number)[], line: string): { text: string; column: number } {
  let text = "";
  let indent = "";
  let dash = "";
  for (const step of path) {
    if (step === 0) dash = "- ";
    else {
      text += `${indent}${dash}${step}:\n`;
      indent += dash === "" ? "  " : "    ";
      dash = "";
    }
  }
  return { text: `${text}${indent}${dash}${line}\n`, column: indent.length + dash.length + 1 };
}

test("an unknown key is found in every section, and the nearest known one named", () => {
  const paths = sectionPaths();
  assert.equal(paths.length, 19);
  for (const path of paths) {
    const shape = shapeOf(schemaAt(configSchema, path)!);
    assert.ok(shape.kind === "section");
    for (const key of Object.keys(shape.keys)) {
      const { text, column } = write(path, `${key}x: 1`);
      const line = text.split("\n").length - 1;
      const expected = `f:${line}:${column}: `;
      const message = `${key}x: unknown key; did you mean "${key}"?`;
      const found = problemsOf(text).find((problem) => problem.includes("unknown key"));
      assert.ok(found?.startsWith(expected) && found.endsWith(message), `${text}${found}`);
    }
  }
});

test("a known key in the wrong place is sent to the right one; for others the known ones are listed", () => {
  assert.deepEqual(problemsOf("interval: 1800\n"), [
    'f:1:1: interval: unknown key; did you mean "tracker.interval"?',
  ]);
  assert.deepEqual(problemsOf("listen: { cidr_list: [] }\n"), [
    'f:1:11: listen.cidr_list: unknown key; did you mean "peer_groups.cidr_list"?',
  ]);
  assert.deepEqual(problemsOf("tracker:\n  access_list:\n    colour: red\n"), [
    "f:3:5: tracker.access_list.colour: unknown key; known here: mode, file",
  ]);
  assert.deepEqual(problemsOf("__proto__: { a: 1 }\n").length, 1);
  assert.deepEqual(problemsOf("logging: { constructor: 1 }\n").length, 1);
});

test("every kind of value says what it takes", () => {
  const cases: [string, string][] = [
    ["tracker: { interval: 9 }", "1:22: tracker.interval: must be a whole number from 10 to 43200, not 9"],
    ["tracker: { numwant: 1.5 }", "1:21: tracker.numwant: must be a whole number from 0 to 1000, not 1.5"],
    [
      "tracker: { numwant_max: 0.5 }",
      "1:25: tracker.numwant_max: must be a whole number from 1 to 1000, not 0.5",
    ],
    [
      "tracker: { max_peers: .inf }",
      "1:23: tracker.max_peers: must be a whole number from 1000 to 80000000, not Infinity",
    ],
    ["tracker: { numwant: .nan }", "1:21: tracker.numwant: must be a whole number from 0 to 1000, not NaN"],
    ["tracker:\n  interval:\n", "2:3: tracker.interval: has no value: set one, or remove the key"],
    ["tracker: 5", '1:10: tracker: must be keys with their values ("key: value" in each line), not 5'],
    ["workers: many", '1:10: workers: must be auto or a whole number from 1 to 256, not "many"'],
    [
      "workers: aoto",
      '1:10: workers: must be auto or a whole number from 1 to 256, not "aoto"; did you mean "auto"?',
    ],
    ["engine: urign", '1:9: engine: must be one of auto, uring, node, not "urign"; did you mean "uring"?'],
    ["logging: { mask_addresses: yes }", '1:28: logging.mask_addresses: must be true or false, not "yes"'],
    [
      "logging: { level: [] }",
      "1:19: logging.level: must be one of critical, error, warning, info, diagnostic, debug, not a list",
    ],
    [
      "logging: { switch_time: 24:00:00 }",
      '1:25: logging.switch_time: must be a time of day from "00:00:00" to "23:59:59", not "24:00:00"',
    ],
    [
      "logging: { switch_time: 1:00:00 }",
      '1:25: logging.switch_time: must be a time of day from "00:00:00" to "23:59:59", not "1:00:00"',
    ],
    [
      "logging: { path: 5 }",
      "1:18: logging.path: must be text of 1 to 4096 characters; quote it if it looks like a number or true or false",
    ],
    [
      "database: { password: 12345 }",
      "1:23: database.password: must be text of 1 to 4096 characters; quote it if it looks like a number or true or false",
    ],
    [
      "database: { url: postgres://x }",
      '1:18: database.url: must be "sqlite:FILE", "tcp://HOST:PORT" or "mysql://HOST:PORT"',
    ],
    ["listen: { http: [] }", "1:17: listen.http: has no address: clients could not announce"],
    [
      "listen: { trusted_proxies: [{}] }",
      '1:29: listen.trusted_proxies[0]: must be a prefix such as "192.0.2.0/24", not keys with values',
    ],
    [
      `tracker: { ip_parameter: [${"1".repeat(101)}a] }`,
      `1:27: tracker.ip_parameter[0]: must be a prefix such as "192.0.2.0/24", not "${"1".repeat(57)}..."`,
    ],
    [
      "admin: { listen: 6970 }",
      '1:18: admin.listen: must be an address and port such as "[::]:6969" or "127.0.0.1:6969", not 6970; write "127.0.0.1:6970" or "[::]:6970"',
    ],
    [
      "forwarded_announce: { trackers: { a.example: watch } }",
      '1:46: forwarded_announce.trackers."a.example": must be one of replace, observe, ignore, not "watch"',
    ],
    [
      "forwarded_announce: { trackers: { 'http://a': observe } }",
      '1:47: forwarded_announce.trackers."http://a": is not a host name, "*.DOMAIN" or "*"',
    ],
    [
      "hashlist: { formats: [xml] }",
      `1:23: hashlist.formats[0]: must be one of ${HASH_LIST_FORMATS.join(", ")}, not "xml"`,
    ],
    [
      "hashlist: { dpi_statistics: { file: f, pattern: '(a)' } }",
      "1:49: hashlist.dpi_statistics.pattern: must have two groups, not 1",
    ],
    [
      "hashlist: { dpi_statistics: { file: f, pattern: '(' } }",
      "1:49: hashlist.dpi_statistics.pattern: is not a regular expression",
    ],
  ];
  for (const [text, problem] of cases) assert.deepEqual(problemsOf(text), [`f:${problem}`]);
});

const NEEDS_NAME =
  "database.tls: needs the server's name in url, not its address: its certificate is checked for the name";

test("conflicting keys are reported at the one that the file sets", () => {
  const cases: [string, string][] = [
    ["tracker: { interval: 300 }", "1:22: tracker.interval: must not be less than min_interval, 900"],
    ["tracker: { min_interval: 2000 }", "1:26: tracker.interval: must not be less than min_interval, 2000"],
    [
      "tracker: { peer_expiry: 1800 }",
      "1:25: tracker.peer_expiry: must be more than interval, 1800: peers would be forgotten between announces",
    ],
    [
      "tracker: { interval: 3900 }",
      "1:22: tracker.peer_expiry: must be more than interval, 3900: peers would be forgotten between announces",
    ],
    ["tracker: { numwant_max: 20 }", "1:25: tracker.numwant: must not be more than numwant_max, 20"],
    [
      "tracker: { access_list: { mode: deny } }",
      "1:33: tracker.access_list.file: is missing: with mode deny it says which torrents",
    ],
    [
      "tracker: { access_list: { mode: deny, file: } }",
      "1:39: tracker.access_list.file: is missing: with mode deny it says which torrents",
    ],
    [
      "hashlist: { min_complete: 3, leave_complete: 4 }",
      "1:46: hashlist.leave_complete: must not be more than min_complete, 3",
    ],
    [
      "admin: { listen: '0.0.0.0:1' }",
      "1:18: admin.token_file: is missing: other machines can reach 0.0.0.0:1; name a file with a token, or listen at 127.0.0.1:1",
    ],
    ["database: { tls: true, url: 'tcp://192.0.2.1:3306' }", `1:18: ${NEEDS_NAME}`],
    ["database: { tls: true, url: 'mysql://[2001:db8::1]' }", `1:18: ${NEEDS_NAME}`],
    [
      "admin: { key: k }",
      "1:15: admin.cert: needs admin.key, and admin.key needs admin.cert: set both or neither",
    ],
  ];
  for (const [text, problem] of cases) assert.deepEqual(problemsOf(text), [`f:${problem}`]);
  const allowed = [
    "tracker: { interval: 43199, peer_expiry: 43200 }",
    "tracker: { interval: 30, min_interval: 30, peer_expiry: 60, numwant: 1000, numwant_max: 1000 }",
    "admin: { listen: '[::1]:1', cert: c, key: k }",
    "database: { tls: true, url: 'tcp://db.example:3306' }",
    "database: { tls: true }",
    "admin: { listen: '[::]:1', token_file: t }",
  ];
  for (const text of allowed) assert.deepEqual(problemsOf(text), []);
});

test("a rule runs when its own keys are right, whatever else is wrong", () => {
  const text = "tracker: { numwant: 300, interval: 1.5, max_peer: 1, access_list: [], ip_parameter: [x] }\n";
  const problems = problemsOf(text).map((problem) => problem.split(": ")[1]);
  assert.deepEqual(problems.toSorted(), [
    "tracker.access_list",
    "tracker.interval",
    "tracker.ip_parameter[0]",
    "tracker.max_peer",
    "tracker.numwant",
  ]);
});

test("names are unique, and those in reachable_from are known", () => {
  const group = (name: string, from = "") =>
    `  - { name: ${name}, priority: 0, reachable_from: [${from}] }\n`;
  assert.deepEqual(problemsOf(`peer_groups:\n${group("a", "b, a")}${group("b", "a")}`), []);
  assert.deepEqual(problemsOf(`peer_groups:\n${group("a")}${group("b", "a, c")}${group("a")}`), [
    'f:4:13: peer_groups[2].name: "a" is already the name of element [0]',
    'f:3:49: peer_groups[1].reachable_from[1]: "c" is not the name of a peer group',
  ]);
  const neighbor = (name: string, more: string) =>
    `  - { name: ${name}, announce_request: "udp://n.example:1", ${more} }\n`;
  assert.deepEqual(
    problemsOf(
      `peer_groups:\n${group("homes")}neighbors:\n${neighbor("n", "reachable_from: [home]")}${neighbor("n", "timeout: 0")}`,
    ),
    [
      "f:5:64: neighbors[1].timeout: must be a whole number from 1 to 60, not 0",
      'f:5:13: neighbors[1].name: "n" is already the name of element [0]',
      'f:4:72: neighbors[0].reachable_from[0]: "home" is not the name of a peer group; did you mean "homes"?',
    ],
  );
});

test("an announce_request is a URL with known placeholders", () => {
  const check = (url: string) => problemsOf(`neighbors: [{ name: n, announce_request: "${url}" }]`);
  const good = [
    "http://n.example/announce?info_hash={info_hash}&peer_id={peer_id}&port={port}&numwant={numwant}&ip={ip}",
    "https://[2001:db8::1]:443/a?info_hash={info_hash}",
    "udp://n.example:6969",
    "udp://n.example:6969/announce?info_hash={info_hash}",
  ];
  for (const url of good) assert.deepEqual(check(url), []);
  const wrong: [string, RegExp][] = [
    ["http://n.example/announce", /must contain \{info_hash\}$/],
    ["http://n.example/?h={info_hsh}", /\{info_hsh\} is not known here; did you mean "info_hash"\?$/],
    ["ftp://n.example/{info_hash}", /must be a URL that begins with http:\/\/, https:\/\/ or udp:\/\/$/],
    ["n.example/{info_hash}", /must be a URL that begins with/],
    ["", /must be a URL that begins with/],
  ];
  for (const [url, message] of wrong) assert.match(check(url)[0], message);
});

test("a list has a limit", () => {
  const groups = Array.from({ length: GROUPS_MAX + 1 }, (_, i) => `{ name: g${i}, priority: 0 }`).join(", ");
  assert.deepEqual(problemsOf(`peer_groups: [${groups}]`), [
    `f:1:14: peer_groups: has more than ${GROUPS_MAX} elements`,
  ]);
});

test("a value that recurs into itself is refused, not followed", () => {
  assert.ok(problemsOf("peer_groups: &a [*a]\n").length > 0);
  assert.ok(problemsOf("tracker: &a { access_list: *a }\n").length > 0);
});
