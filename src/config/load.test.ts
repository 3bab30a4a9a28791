import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { MANUAL } from "../../test/support/original-manual.ts";
import { formatPrefix } from "../network/prefix.ts";
import { loadConfig } from "./load.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";
import { configTemplate } from "./template.ts";

const FILE = "/etc/btrt/btrt.conf";

const load = (text: string | Uint8Array, files: Record<string, string> = {}) =>
  loadConfig({ configFile: FILE }, memoryFiles({ [FILE]: text, ...files }));

async function loadGood(text: string, files?: Record<string, string>) {
  const result = await load(text, files);
  assert.ok(result.config !== null, result.problems.map(formatProblem).join("\n"));
  assert.deepEqual(result.problems, []);
  return result;
}

async function problemsOf(text: string | Uint8Array, files?: Record<string, string>): Promise<string[]> {
  const result = await load(text, files);
  assert.equal(result.config === null, result.problems.length > 0);
  return result.problems.map((problem) => placeless(formatProblem(problem)));
}

/** A problem's line without the name of the configuration file. */
const placeless = (line: string) => line.replace(/^\/etc\/btrt\/btrt.conf:(?=\d)/, "");

const MANUAL_FILES = {
  "/etc/btrt/local_cidrs.conf": "127.0.0.0/8\n192.168.0.0/16\n",
  "/etc/btrt/neighboring_cidrs.conf": "198.51.100.0/24\n",
};

test("the manual's snippets load as they are, one by one and together", async () => {
  for (const snippet of Object.values(MANUAL)) await loadGood(snippet, MANUAL_FILES);
  const { config, groups, warnings } = await loadGood(Object.values(MANUAL).join(""), MANUAL_FILES);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    groups.map(({ name, priority, prefixes, reachableFrom }) => ({
      name,
      priority,
      prefixes: prefixes.map(formatPrefix),
      reachableFrom,
    })),
    [
      { name: "local peers", priority: 0, prefixes: ["127.0.0.0/8", "192.168.0.0/16"], reachableFrom: [] },
      { name: "neighboring peers", priority: 1, prefixes: ["198.51.100.0/24"], reachableFrom: [] },
    ],
  );
  assert.equal(config.logging.path, "/var/log/btrt");
  assert.equal(config.database.url, "tcp://127.0.0.1:3306");
  assert.equal(config.neighbors[0].peers_expiry_interval, 7200);
});

test("a cidr_list may have no value, a lone dash, or both kinds of line", async () => {
  for (const list of ["", "\n      -\n", " []", " [~]", "\n      -\n      - 192.0.2.0/24\n      -\n"]) {
    const { groups } = await loadGood(`peer_groups:\n  - name: a\n    priority: 0\n    cidr_list:${list}`);
    assert.equal(groups[0].prefixes.length, list.includes("192") ? 1 : 0, list);
  }
});

test("an empty file, and no file, are the defaults", async () => {
  const { config } = await loadConfig({ defaults: true });
  assert.ok(config !== null);
  assert.deepEqual(config.listen.http, [{ host: "::", port: 6969 }]);
  assert.equal(config.tracker.max_peers, 4_000_000);
  assert.equal(config.selection.policy, "bridged");
  assert.equal(config.database.url, `sqlite:${resolve("var/btrt.db")}`);
  const database = { ...config.database, url: "sqlite:/var/lib/btrt/btrt.db" };
  for (const text of ["", "# nothing\n", "logging:\nlisten:\npeer_groups:\ntracker:\n  access_list:\n"]) {
    assert.deepEqual((await loadGood(text)).config, { ...config, database });
  }
});

test("without a url the database is a file, or the original's server if the configuration has a user or password", async () => {
  const server = { url: "tcp://127.0.0.1:3306", user: "root", schema: "btrt" };
  const file = { ...server, url: "sqlite:/var/lib/btrt/btrt.db" };
  const cases: [string, object][] = [
    ["{ save_interval: 5 }", file],
    ["{ url: , tls_ca: /ca }", file],
    ["{ user: btrt, password: x }", { ...server, user: "btrt" }],
    ["{ password_file: /secret }", server],
    ["{ schema: other }", { ...server, schema: "other" }],
    ["{ url: 'sqlite:a.db', password: x }", { ...file, url: "sqlite:/etc/btrt/a.db" }],
  ];
  for (const [text, wanted] of cases) {
    const { url, user, schema } = (await loadGood(`database: ${text}`, { "/secret": "x" })).config.database;
    assert.deepEqual({ url, user, schema }, wanted, text);
  }
  const elsewhere = await loadConfig({ configFile: "/srv/b.conf" }, memoryFiles({ "/srv/b.conf": "" }));
  assert.equal(elsewhere.config?.database.url, "sqlite:/srv/var/btrt.db");
});

test("a file that cannot be read is one clear line", async () => {
  const absent = await loadConfig({ configFile: "/x.conf" }, memoryFiles({}));
  assert.deepEqual(absent.problems.map(formatProblem), [
    '/x.conf: no such file; create one with "btrt config > /x.conf", or try "btrt run --defaults"',
  ]);
  assert.deepEqual(absent.files, ["/x.conf"]);
  const directory = await loadConfig({ configFile: "/" });
  assert.deepEqual(directory.problems.map(formatProblem), ["/: is a directory, not a file"]);
  assert.deepEqual(await problemsOf(new Uint8Array([0x61, 0xff])), [`${FILE}: is not UTF-8 text`]);
  assert.deepEqual(await problemsOf(new Uint8Array(4 * 1024 * 1024 + 1)), [`${FILE}: larger than 4 MiB`]);
});

test("a root that is no set of keys", async () => {
  assert.match(
    (await problemsOf("- a\n"))[0],
    /^1:1: must be keys with their values \("key: value" in each line\), not a list$/,
  );
  assert.match(
    (await problemsOf("text\n"))[0],
    /^1:1: must be keys with their values \("key: value" in each line\), not "text"$/,
  );
});

test("all problems are reported at once, in the order of the file", async () => {
  const text = `
listen:
  http: 6969
  udp: ["6969"]
tracker:
  intervall: 1800
  numwant: 300
  min_interval: fast
  min_interval: 900
  access_list: { mode: alow }
peer_groups:
  - name: a
    cidr_file: /absent
    cidr_list: [10.0.0.0/33, 10.0.0.0/8]
    reachable_from: [homes]
  - { name: a, priority: -1 }
  - { name: home, priority: 1.5 }
max_peers: 5
`;
  assert.deepEqual(await problemsOf(text), [
    '3:9: listen.http: must be a list ("- " before each element, or [ ] around them), not 6969',
    '4:9: listen.udp[0]: "6969" is not ADDRESS:PORT; write "[::]:6969"',
    '6:3: tracker.intervall: unknown key; did you mean "interval"?',
    "7:12: tracker.numwant: must not be more than numwant_max, 200",
    "9:3: tracker.min_interval: is set twice, here and in line 8: keep one",
    '10:24: tracker.access_list.mode: must be one of off, allow, deny, not "alow"; did you mean "allow"?',
    "12:5: peer_groups[0].priority: is missing",
    '14:17: peer_groups[0].cidr_list[0]: "10.0.0.0/33" is not a prefix: its length must be a number from 0 to 32',
    '15:22: peer_groups[0].reachable_from[0]: "homes" is not the name of a peer group; did you mean "home"?',
    '16:13: peer_groups[1].name: "a" is already the name of element [0]',
    "16:26: peer_groups[1].priority: must be a whole number from 0 to 65535, not -1",
    "17:29: peer_groups[2].priority: must be a whole number from 0 to 65535, not 1.5",
    '18:1: max_peers: unknown key; did you mean "tracker.max_peers"?',
    "13:16: peer_groups[0].cidr_file: /absent: no such file; create it with one prefix per line",
  ]);
});

test("relative paths start at the configuration's directory; named files are read, and known", async () => {
  const text = `
peer_groups: [{ name: a, priority: 0, cidr_file: lists/a.conf, cidr_list: [2001:db8::/32] }]
tracker: { access_list: { mode: allow, file: hashes } }
hashlist: { exclude: never, dpi_statistics: { file: dpi.log, pattern: "(.)(.)" } }
logging: { path: ../log }
database: { url: "sqlite:../lib/a b.db", password: one, password_file: secret }
`;
  const files = {
    "/etc/btrt/lists/a.conf": "192.0.2.1/24\n",
    "/etc/btrt/hashes": `${"ab".repeat(20)}\n`,
    "/etc/btrt/never": `# none\n${"cd".repeat(20)}\n`,
    "/etc/btrt/secret": " two # €\r\nnot\n",
  };
  const {
    config,
    groups,
    accessList,
    hashListExclude,
    warnings,
    files: named,
    databasePassword,
  } = await loadGood(text, files);
  assert.deepEqual(groups[0].prefixes.map(formatPrefix), ["192.0.2.0/24", "2001:db8::/32"]);
  assert.deepEqual([...accessList], Array(5).fill(0xabababab));
  assert.deepEqual([...hashListExclude], Array(5).fill(0xcdcdcdcd));
  assert.equal(config.hashlist.dpi_statistics?.file, "/etc/btrt/dpi.log");
  assert.equal(config.logging.path, "/etc/log");
  assert.equal(config.database.url, "sqlite:/etc/lib/a b.db");
  assert.equal(databasePassword, " two # €");
  const more = ["lists/a.conf", "hashes", "never", "secret"].map((name) => `/etc/btrt/${name}`);
  assert.deepEqual(named, [FILE, ...more]);
  assert.deepEqual(warnings.map(formatProblem), [
    '/etc/btrt/lists/a.conf:1:1: "192.0.2.1/24" has host bits set: it is read as 192.0.2.0/24',
  ]);
});

test("a list that is not used is not read", async () => {
  const { accessList, files } = await loadGood("tracker: { access_list: { file: hashes } }\n");
  assert.equal(accessList.length, 0);
  assert.deepEqual(files, [FILE]);
});

test("problems of a named file have its own lines, and it stays watched", async () => {
  const text =
    "peer_groups: [{ name: a, priority: 0, cidr_file: a }]\ntracker: { access_list: { mode: deny, file: h } }\n";
  const result = await load(text, { "/etc/btrt/a": "\nrubbish\n", "/etc/btrt/h": "x" });
  assert.equal(result.config, null);
  assert.deepEqual(result.problems.map(formatProblem), [
    '/etc/btrt/a:2:1: "rubbish" is not an IP address: four numbers separated by dots are expected',
    "/etc/btrt/h:1:1: not an info-hash of 40 hexadecimal digits",
  ]);
  assert.deepEqual(result.files, [FILE, "/etc/btrt/a", "/etc/btrt/h"]);
});

test("probable mistakes are warnings", async () => {
  const { warnings } = await loadGood(
    "listen:\n  trusted_proxies: [10.0.0.1/8, 10.0.0.1]\npeer_groups:\n  - name: a\n    priority: 0\n",
  );
  assert.deepEqual(
    warnings.map((warning) => placeless(formatProblem(warning))),
    [
      '2:21: listen.trusted_proxies[0]: "10.0.0.1/8" has host bits set: it is read as 10.0.0.0/8',
      "4:5: peer_groups[0]: has no prefixes: no address is in this group",
    ],
  );
});

test("two listeners cannot have one address, or an address that the other includes", async () => {
  const cases: [string, string[]][] = [
    [
      'admin: { listen: "127.0.0.1:6969" }',
      [
        '1:18: admin.listen: "127.0.0.1:6969" is included in "[::]:6969" of listen.http: choose another port, such as 6970',
      ],
    ],
    [
      'listen: { http: ["[::]:80", "127.0.0.1:80"], udp: ["192.0.2.1:1", "192.0.2.1:1"] }',
      [
        '1:29: listen.http[1]: "127.0.0.1:80" is included in "[::]:80" of listen.http: remove one of them',
        '1:67: listen.udp[1]: "192.0.2.1:1" is also in listen.udp: remove one of them',
      ],
    ],
    [
      'listen: { http: ["127.0.0.1:6970", "[2001:db8::0]:1", "[2001:db8::]:1"] }',
      [
        '1:18: admin.listen: "127.0.0.1:6970" is also in listen.http: choose another port, such as 6971',
        '1:55: listen.http[2]: "[2001:db8::]:1" is also in listen.http: remove one of them',
      ],
    ],
  ];
  for (const [text, wanted] of cases) assert.deepEqual(await problemsOf(text), wanted);
  await loadGood('listen: { http: ["[::]:80", "0.0.0.0:80"], udp: ["[::]:80", "192.0.2.1:81"] }');
  await loadGood('listen: { http: ["127.0.0.1:0", "127.0.0.1:0"] }\nadmin: { listen: "127.0.0.1:0" }');
});

test("groups that share a prefix, or hide their private addresses from each other, are warnings", async () => {
  const { warnings } = await loadGood(`
peer_groups:
  - { name: a, priority: 1, cidr_list: [192.0.2.0/24, 100.64.0.0/16, 198.51.100.0/25] }
  - { name: b, priority: 0, cidr_list: [192.0.2.0/24, 198.51.100.0/24] }
  - { name: c, priority: 1, cidr_list: [192.0.2.0/24, 100.65.0.0/16, 2001:db8::/32], reachable_from: [a] }
  - { name: d, priority: 1, cidr_list: [2001:db8:1::/48, 2001:db8::/32] }
`);
  assert.deepEqual(
    warnings.map((warning) => placeless(formatProblem(warning))),
    [
      '3:5: peer_groups[0]: 192.0.2.0/24 is also in "b", which has it because it is nearer',
      '3:5: peer_groups[0]: its private addresses are not returned to clients of "c", which have the same priority, ' +
        'and do not count for the hash list; if these clients can reach them, add reachable_from: ["c"]',
      '5:5: peer_groups[2]: 192.0.2.0/24 is also in "b", which has it because it is nearer',
      '6:5: peer_groups[3]: 2001:db8::/32 is also in "c", which has it because it is listed first',
    ],
  );
  const many = Array.from({ length: 5 }, (_, i) => `10.${i}.0.0/16`).join(", ");
  const { warnings: further } = await loadGood(
    `peer_groups: [{ name: a, priority: 0, cidr_list: [${many}] }, { name: b, priority: 0, cidr_list: [${many}] }]`,
  );
  assert.match(further[0].message, /^its private addresses are not returned to clients of "b"/);
  assert.match(
    further[1].message,
    /10\.0\.0\.0\/16 and 4 more prefixes are also in "a", which has them because it is listed first/,
  );
});

test("the list of problems has an end", async () => {
  const problems = await problemsOf(Array.from({ length: 500 }, (_, i) => `unknown${i}: 1`).join("\n"));
  assert.equal(problems.length, 101);
  assert.equal(problems[100], `${FILE}: 400 more problems`);
});

test("the list of warnings has an end", async () => {
  const { warnings } = await loadGood(`tracker: { ip_parameter: [${"10.0.0.1/8, ".repeat(150)}] }`);
  assert.equal(warnings.length, 101);
  assert.equal(warnings[100].message, "50 more warnings");
});

test("no document makes it throw", async () => {
  const template = configTemplate().replaceAll(/^( *)#(?=\S| {2})/gm, "$1");
  const damaged = fc
    .array(
      fc.tuple(
        fc.nat(template.length),
        fc.nat(30),
        fc.constantFrom("", " ", "\n", "- ", ": ", "[", "&a ", "*a", "null", "1e9"),
      ),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((cuts) =>
      cuts.reduce((text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length), template),
    );
  const value = fc.object({
    key: fc.constantFrom(
      "listen",
      "http",
      "tracker",
      "interval",
      "peer_groups",
      "name",
      "cidr_list",
      "neighbors",
      "__proto__",
    ),
    values: [fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constant(null), fc.constant("::1/128")],
    maxDepth: 4,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        damaged,
        value.map((object) => JSON.stringify(object)),
      ),
      async (text) => {
        await problemsOf(text);
      },
    ),
    { numRuns: caseCount(50, 100) },
  );
});
