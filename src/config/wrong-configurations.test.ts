/**
 * Wrong configurations and the messages about them, which a person must be able to follow. After a change, run this test
 * with UPDATE=1 in the environment, and read what has changed in the golden file.
 *
 * Each case is a configuration and its messages, which begin with `>>>`.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { loadConfig } from "./load.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";

const GOLDEN = new URL("wrong-configurations.golden.txt", import.meta.url);
const SEPARATOR = "\n===\n";
const MARK = ">>> ";

/** Files that the configurations name. */
const FILES = {
  "/etc/btrt/cert.pem": "x",
  "/etc/btrt/short": "abc\n",
  "/etc/btrt/cluster_secret": "0123456789abcdef0123456789abcdef\n",
  "/etc/btrt/wrong_cidrs.conf": "10.0.0.0/8\n10.1.0.0-10.1.255.255\n10.2.0.0/16;\n",
  "/etc/btrt/wrong_torrents.txt": "abc\n",
};

async function messagesOf(text: string): Promise<string> {
  const { problems, warnings } = await loadConfig(
    { configFile: "btrt.conf" },
    memoryFiles({ "btrt.conf": text, ...FILES }),
  );
  const lines = [
    ...problems.map(formatProblem),
    ...warnings.map((each) => `(warning) ${formatProblem(each)}`),
  ];
  return lines.map((line) => `${MARK}${line}`).join("\n");
}

test("a hundred wrong configurations have messages that say what to do", async () => {
  const golden = readFileSync(GOLDEN, "utf8").trimEnd().split(SEPARATOR);
  const made: string[] = [];
  for (const text of golden) {
    const lines = text.split("\n").filter((line) => !line.startsWith(MARK));
    const config = `${lines.join("\n")}\n`;
    const messages = await messagesOf(config);
    assert.notEqual(messages, "", config);
    made.push(`${config}${messages}`);
  }
  if (process.env.UPDATE === "1") writeFileSync(GOLDEN, `${made.join(SEPARATOR)}\n`);
  else assert.deepEqual(made, golden);
  assert.ok(golden.length > 100);
});
