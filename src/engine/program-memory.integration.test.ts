import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import koffi from "koffi";
import { forgetProgramPages, returnFreeMemory } from "./program-memory.ts";
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

/** Blocks that malloc(3) takes from its arena, and does not map one by one. */
const BLOCK_BYTES = 16 * 1024;
const BLOCKS = 2000;

test("freed memory of the C library is returned to the system", { skip }, async () => {
  const library = koffi.load(null);
  const calloc: (count: number, bytes: number) => bigint = library.func(
    "uintptr_t calloc(size_t count, size_t bytes)",
  );
  const free: (at: bigint) => void = library.func("void free(uintptr_t at)");
  const bzero: (at: bigint, bytes: number) => void = library.func("void bzero(uintptr_t at, size_t bytes)");
  const blocks = Array.from({ length: BLOCKS }, () => calloc(1, BLOCK_BYTES));
  for (const block of blocks) bzero(block, BLOCK_BYTES);
  // The block above them keeps free() from returning them.
  const last = calloc(1, BLOCK_BYTES);
  for (const block of blocks) free(block);
  const before = process.memoryUsage.rss();
  await returnFreeMemory();
  const returned = before - process.memoryUsage.rss();
  free(last);
  assert.ok(returned > (BLOCKS * BLOCK_BYTES) / 2, `${returned} bytes were returned`);
});
