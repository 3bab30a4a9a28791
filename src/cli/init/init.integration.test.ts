import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { toolsMissing } from "../../../test/support/tools.ts";
import { loadConfig } from "../../config/load.ts";
import { formatPrefix } from "../../network/prefix.ts";
import { defaultAnswers } from "./answers.ts";
import { problemsOf } from "./check-answers.ts";
import { configText } from "./config-text.ts";
import { askFor, InterruptedError } from "./questions.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
let directory = "";

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "btrt-init-"));
});
after(() => rm(directory, { recursive: true }));

function btrt(...argv: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...argv], { encoding: "utf8" });
  return { out: stdout, err: stderr, code: status };
}

async function groupsOf(configFile: string) {
  const loaded = await loadConfig({ configFile });
  assert.ok(loaded.config !== null, JSON.stringify(loaded.problems));
  return loaded.groups.map(({ name, prefixes }) => [name, prefixes.map(formatPrefix)]);
}

test("flags make a configuration that check finds good, and lines for the DNS", async () => {
  const config = join(directory, "flags.conf");
  const list = join(directory, "ours");
  await writeFile(list, "10.0.0.0/8\n# all of it\n");
  const network = ["--local", list, "2001:db8::/32", "--partner", "198.51.100.0/24"];
  const names = ["--name", "retracker.local", "tracker.example.net", "--address", "192.0.2.1", "2001:db8::1"];
  const { out, err, code } = btrt("init", "--config", config, ...network, ...names);
  assert.deepEqual({ err, code }, { err: "", code: 0 });
  for (const line of [
    "BIND     retracker.local. 300 IN A 192.0.2.1",
    "BIND     tracker.example.net. 300 IN AAAA 2001:db8::1",
    'Unbound  local-data: "retracker.local. 300 IN AAAA 2001:db8::1"',
    "dnsmasq  host-record=tracker.example.net,192.0.2.1,2001:db8::1",
  ]) {
    assert.ok(out.includes(`\n  ${line}\n`), `${line}\n${out}`);
  }
  assert.deepEqual(await groupsOf(config), [
    ["local peers", ["10.0.0.0/8", "2001:db8::/32"]],
    ["partner peers", ["198.51.100.0/24"]],
  ]);
  assert.match(btrt("check", "--config", config).out, /: good\n.*http {2}\[::\]:80\n/s);
});

test("an existing file is not changed; with --force it is renamed", async () => {
  const config = join(directory, "there.conf");
  await writeFile(config, "workers: 1\n");
  const refused = btrt("init", "--config", config, "--local", "10.0.0.0/8");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^btrt: .* exists; --force .*\n$/);
  assert.equal(await readFile(config, "utf8"), "workers: 1\n");
  await chmod(config, 0o640);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(config, 0, 7);
  assert.equal(btrt("init", "--config", config, "--local", "10.0.0.0/8", "--force").code, 0);
  const { mode, gid } = await stat(config);
  assert.equal(mode & 0o777, 0o640, "the new file has the mode of the old one");
  if (isRoot) assert.equal(gid, 7);
  assert.equal(await readFile(`${config}.old`, "utf8"), "workers: 1\n");
  assert.deepEqual(await groupsOf(config), [["local peers", ["10.0.0.0/8"]]]);
});

test("all mistakes in flags are reported, and nothing is written", async () => {
  const config = join(directory, "wrong.conf");
  const wrong = ["--local", "10.0.0/8", "--name", "retracker local", "--address", "here", "--port", "99999"];
  const { err, code } = btrt("init", "--config", config, ...wrong, "--database", "oracle://x");
  assert.equal(code, 1);
  assert.equal(err.trimEnd().split("\n").length, 5, err);
  for (const part of ["10.0.0", "retracker local", '"here"', "99999", "database.url"]) {
    assert.ok(err.includes(part), `${part}\n${err}`);
  }
  await assert.rejects(readFile(config), { code: "ENOENT" });
});

test("without a terminal, and without --local, it says what it needs", () => {
  const { err, code } = btrt("init", "--config", join(directory, "none.conf"));
  assert.match(err, /^btrt: [^\n]*--local[^\n]*\n$/);
  assert.equal(code, 1);
});

test("an invalid answer is asked for again, an empty one is the default", async () => {
  const config = join(directory, "asked.conf");
  const password = join(directory, "password");
  await writeFile(password, "secret\n");
  const input = new PassThrough();
  const output = new PassThrough();
  const lines = ["", "10.0.0/8", "10.0.0.0/8, 192.0.2.0/24", "", "partner.example", "", "192.0.2.1"];
  input.end([...lines, "tcp://db.example", "", password, ""].join("\n"));
  const answers = await askFor(defaultAnswers("sqlite:x.db"), config, { input, output });
  output.end();
  const shown = await text(output);
  assert.equal(shown.match(/own network/g)?.length, 3, "asked thrice");
  assert.match(shown, /at least one is required.*"10\.0\.0\/8" is not a prefix; write 10\.0\.0\.0\/8/s);
  assert.deepEqual(answers, {
    ...defaultAnswers("tcp://db.example"),
    local: ["10.0.0.0/8", "192.0.2.0/24"],
    neighbor: ["partner.example"],
    address: ["192.0.2.1"],
    passwordFile: password,
  });
});

test("when the answers end too soon, nothing is made of them", async () => {
  const input = new PassThrough();
  input.end("10.0.0.0/8\n");
  const terminal = { input, output: new PassThrough() };
  await assert.rejects(askFor(defaultAnswers("sqlite:x.db"), "x.conf", terminal), InterruptedError);
});

test("on a terminal it asks", { skip: toolsMissing(["bsdutils"]), timeout: 300_000 }, async () => {
  const config = join(directory, "terminal.conf");
  const { status, stdout } = spawnSync(
    "script",
    [
      "--quiet",
      "--return",
      "--command",
      `'${process.execPath}' '${MAIN}' init --config '${config}'`,
      "/dev/null",
    ],
    { input: `10.0.0.0/8\n${"\n".repeat(5)}`, encoding: "utf8" },
  );
  assert.equal(status, 0, stdout);
  assert.deepEqual(await groupsOf(config), [["local peers", ["10.0.0.0/8"]]]);
});

test("whatever is answered without complaint loads as it was meant", async () => {
  const octet = fc.nat(255);
  const prefix = fc
    .tuple(octet, octet, fc.integer({ min: 1, max: 16 }))
    .map(([a, b, n]) => `${a}.${b}.0.0/${n}`);
  const odd = fc.string({ unit: "binary", minLength: 1, maxLength: 30 });
  const property = fc.asyncProperty(
    fc.uniqueArray(prefix, { minLength: 1, maxLength: 5 }),
    fc.array(fc.oneof(odd, fc.domain()), { maxLength: 3 }),
    fc.oneof(odd, fc.constant("tcp://db.example")),
    odd,
    async (local, neighbor, database, databaseUser) => {
      const answers = { ...defaultAnswers(database), local, neighbor, databaseUser };
      const file = join(directory, "property.conf");
      if ((await problemsOf(answers, file)).length > 0) return;
      await writeFile(file, configText(answers, file));
      const { config } = await loadConfig({ configFile: file });
      assert.equal(config?.peer_groups[0].cidr_list.length, local.length);
      assert.equal(config.neighbors.length, neighbor.length);
      if (database.startsWith("tcp:")) assert.equal(config.database.user, databaseUser);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
