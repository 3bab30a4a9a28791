import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { forgetProgramPages } from "./program-memory.ts";
import { probeUring } from "./uring/probe.ts";

const skip = await probeUring();

/** Resident kilobytes of the program file. */
function programKilobytes(): number {
  const mappings = readFileSync("/proc/self/smaps", "latin1").split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const own = mappings.filter((text) => text.split("\n")[0].endsWith(` ${process.execPath}`));
  return own.reduce((sum, text) => sum + Number(/^Rss: *(\d+) kB$/m.exec(text)?.[1]), 0);
}

test("forgotten pages of the program are no longer resident, and it still runs", { skip }, async () => {
  const before = programKilobytes();
  assert.ok((await forgetProgramPages()) > before * 1024);
  assert.ok(programKilobytes() < before / 2, `${programKilobytes()} of ${before} kB are left`);
  assert.equal(JSON.parse(JSON.stringify({ text: "ß".normalize("NFD").toLocaleUpperCase("de") })).text, "SS");
});
