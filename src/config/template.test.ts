import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { parseDocument, valueAt } from "./document.ts";
import { loadConfig } from "./load.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";
import { configSchema } from "./schema.ts";
import { documentationOf, shapeOf } from "./schema-tree.ts";
import { configTemplate } from "./template.ts";

const FILES = {
  "/etc/btrt/local_cidrs.conf": "10.0.0.0/8",
  "/etc/btrt/neighboring_cidrs.conf": "",
  "/etc/btrt/database_password": "x",
  "/etc/btrt/mail_password": "x",
  "/etc/btrt/admin_token": "0123456789abcdef",
  "/etc/btrt/monitoring_token": "fedcba9876543210",
  "/etc/btrt/admin.crt": "x",
  "/etc/btrt/admin.key": "x",
  "/etc/btrt/never_listed.txt": "",
  "/etc/btrt/never_gated.txt": "",
  "/etc/btrt/cluster_secret": "0123456789abcdef0123456789abcdef",
  "/etc/btrt/cluster_ca.pem": "-----BEGIN CERTIFICATE-----",
  "/etc/btrt/cluster_nkey": `SU${"A".repeat(56)}`,
};

const load = (text: string) => loadConfig({ configFile: "f" }, memoryFiles({ ...FILES, f: text }));

/** Takes away one level of the marks that comment keys out. Prose, which has one space after its mark, stays. */
const uncomment = (text: string) => text.replaceAll(/^( *)#(?=[^\s#]| {2})/gm, "$1");

test("the template loads, equals the defaults, and asks for nothing that is not there", async () => {
  const { config, problems, warnings } = await load(configTemplate());
  assert.deepEqual(problems.map(formatProblem), []);
  assert.deepEqual(warnings, []);
  assert.deepEqual(config, (await loadConfig({ defaults: true })).config);
});

test("so it does with its examples uncommented, and theirs", async () => {
  let text = configTemplate();
  for (let deeper = uncomment(text); deeper !== text; deeper = uncomment(text)) {
    text = deeper;
    const { config, problems } = await load(text);
    assert.deepEqual(problems.map(formatProblem), []);
    assert.deepEqual(
      config?.peer_groups.map(({ name }) => name),
      ["local peers", "neighboring peers"],
    );
  }
  const document = parseDocument(text, "f");
  assert.ok("value" in document);
  assertEveryKeyIsThere(configSchema, document.value, "");
});

/** Every key of the schema has a description, and a value once all comments are removed. */
function assertEveryKeyIsThere(schema: Parameters<typeof shapeOf>[0], value: unknown, path: string): void {
  const shape = shapeOf(schema);
  if (shape.kind === "value") assert.notEqual(value, undefined, path);
  else if (shape.kind === "list") assertEveryKeyIsThere(shape.element, valueAt(value, [0]) ?? {}, path);
  else {
    for (const [key, inner] of Object.entries(shape.keys)) {
      assert.match(documentationOf(inner).description, /\.$/, `${path}.${key}`);
      assertEveryKeyIsThere(inner, valueAt(value, [key]), `${path}.${key}`);
    }
  }
}

test("the template reads well: no line of prose is long", () => {
  for (const line of configTemplate().split("\n")) {
    if (/^[ #]*# [^ ]/.test(line)) assert.ok(line.length <= 110, line);
    assert.doesNotMatch(line, /\s$|\t|undefined|null/);
  }
});

test("the file in the repository is the template", async () => {
  const file = new URL("../../btrt.conf.default", import.meta.url);
  assert.equal(
    await readFile(file, "utf8"),
    configTemplate(),
    "run: node src/main.ts config > btrt.conf.default",
  );
});
