import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { adviseHugePages } from "./huge-pages.ts";
import { addressOf } from "./libc.ts";

const HAS_HUGE_PAGES = existsSync("/sys/kernel/mm/transparent_hugepage");
const MIB = 2 ** 20;

/** The flags of the mapping that has an address, as proc_pid_smaps(5) names them. */
function flagsAt(address: bigint): string {
  const mappings = readFileSync("/proc/self/smaps", "latin1").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const mapping = mappings.find((text) => {
    const [start, end] = text.split(" ", 1)[0].split("-");
    return BigInt(`0x${start}`) <= address && address < BigInt(`0x${end}`);
  });
  return /^VmFlags: (.*)$/m.exec(mapping ?? "")?.[1] ?? "";
}

test("the kernel is asked for huge pages, and what is stored stays", { skip: !HAS_HUGE_PAGES }, () => {
  const words = new Uint32Array(new SharedArrayBuffer(16 * MIB));
  const middle = addressOf(words.buffer) + BigInt(8 * MIB);
  words[words.length - 1] = 7;
  assert.doesNotMatch(flagsAt(middle), /\bhg\b/);
  adviseHugePages(words);
  assert.match(flagsAt(middle), /\bhg\b/);
  assert.deepEqual([words[0], words.at(-1)], [0, 7]);
});

test("an array that is smaller than a huge page is left alone", () => {
  adviseHugePages(new Uint32Array(new SharedArrayBuffer(64)));
});
