import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSections } from "./load-sections.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";

const FILE = "/etc/btrt/btrt.conf";
const load = (text: string, files: Record<string, string> = {}) =>
  loadSections(FILE, ["admin"], memoryFiles({ [FILE]: text, ...files }));

const ADMIN = `admin:
  # the status page
  listen: "127.0.0.1:7000"

  token_file: token
`;
const TOKEN = { "/etc/btrt/token": "0123456789abcdef\n" };

test("mistakes in other sections, and in the form of the document, do not matter", async () => {
  const others = ["nonsense: 1", "listen: { http: [", "peer_groups:\n   - name: a\n  b: c", "- a", "a: b: c"];
  for (const other of others) {
    for (const text of [`${ADMIN}${other}\n`, `${other}\n${ADMIN}`]) {
      const loaded = await load(text, TOKEN);
      assert.deepEqual(loaded.config?.admin.listen, { host: "127.0.0.1", port: 7000 }, text);
    }
  }
  const flow = await load('x: [\nadmin: {\n  listen: "127.0.0.1:7001"\n}\ny: ]\n');
  assert.equal(flow.config?.admin.listen.port, 7001);
  assert.equal((await load('{ "admin": { "listen": "127.0.0.1:7002" } }')).config?.admin.listen.port, 7002);
  assert.equal((await load("nonsense: 1\n")).config?.admin.listen.port, 6970);
});

test("mistakes in the section have their positions", async () => {
  const { problems } = await load(`nonsense: 1\n${ADMIN.replace("7000", "70000")}`, TOKEN);
  assert.match(
    problems.map(formatProblem).join(),
    /^\/etc\/btrt\/btrt\.conf:4:11: admin\.listen: "127\.0\.0\.1:70000": /,
  );
  assert.match(
    (await loadSections("/absent", ["admin"], memoryFiles({}))).problems[0].message,
    /^no such file/,
  );
});
