import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const OUTPUT = JSON.stringify(new URL("../cli/output.ts", import.meta.url).href);
const LOGGER = JSON.stringify(new URL("../telemetry/logger.ts", import.meta.url).href);

/** Runs Node with a file as the journal, which is standard output or standard error. @returns the file's text. */
function runInJournal(t: TestContext, which: "stdout" | "stderr", args: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), "btrt-journal-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const journal = openSync(join(directory, "journal"), "w");
  const { dev, ino } = fstatSync(journal);
  spawnSync(process.execPath, args, {
    stdio: ["ignore", which === "stdout" ? journal : "pipe", which === "stderr" ? journal : "pipe"],
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
  });
  closeSync(journal);
  return readFileSync(join(directory, "journal"), "utf8");
}

test("in the journal, every line of the log has its level", { timeout: 300_000 }, (t) => {
  const program = `import { openLogger } from ${LOGGER};
    const log = openLogger({ level: "debug", switchTime: "01:00:00", keepDays: 30, maskAddresses: false });
    for (const level of ["critical", "error", "warning", "info", "diagnostic", "debug"]) log[level](level);
    log.info({ err: new Error("of two\\nlines") }, "odd");
    await log.close();`;
  const lines = runInJournal(t, "stdout", ["--input-type=module", "--eval", program]).trimEnd().split("\n");
  const found = lines.map((line) => [line.slice(0, 3), JSON.parse(line.slice(3)).msg]);
  assert.deepEqual(found, [
    ["<2>", "critical"],
    ["<3>", "error"],
    ["<4>", "warning"],
    ["<6>", "info"],
    ["<7>", "diagnostic"],
    ["<7>", "debug"],
    ["<6>", "odd"],
  ]);
});

test("in the journal, every line of a message on standard error is an error", { timeout: 300_000 }, (t) => {
  for (const args of [
    ["run", "--config", "/nowhere/btrt.conf"],
    ["status", "--config", "/nowhere/btrt.conf"],
  ]) {
    const text = runInJournal(t, "stderr", [MAIN, ...args]);
    assert.match(text, /^(<3>[^\n]*\n)+$/, args[0]);
    assert.match(text, /nowhere/);
  }
});

test("a notice of a command is no error in the journal", { timeout: 300_000 }, (t) => {
  const program = `import { printError, printNotice } from ${OUTPUT};
    printNotice("well");
    printError("not well");`;
  const text = runInJournal(t, "stderr", ["--input-type=module", "--eval", program]);
  assert.equal(text, "<6>well\n<3>not well\n");
});

test("a descriptor that is not the journal's has no levels", { timeout: 300_000 }, (t) => {
  const out = runInJournal(t, "stderr", ["--eval", ""]);
  assert.equal(out, "");
  const { stderr } = spawnSync(process.execPath, [MAIN, "status", "--config", "/nowhere/btrt.conf"], {
    encoding: "utf8",
    env: { ...process.env, JOURNAL_STREAM: "1:1" },
  });
  assert.doesNotMatch(stderr, /<3>/);
});
