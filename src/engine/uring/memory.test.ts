import assert from "node:assert/strict";
import { test } from "node:test";
import { probeUring } from "./probe.ts";

const skip = (await probeUring()) ?? false;

test("memory has views as bytes, halves and words, and can be unmapped", { skip }, async () => {
  const { Memory } = await import("./memory.ts");
  const before = Memory.mapped().length;
  const memory = Memory.allocate(8192);
  assert.ok(memory.bytes.every((byte) => byte === 0));
  memory.words[1] = 0xfedc_ba98;
  assert.deepEqual([...memory.bytes.subarray(4, 8)], [0x98, 0xba, 0xdc, 0xfe]);
  assert.equal(memory.halves[2], 0xba98);
  assert.equal(memory.ints[1], 0xfedc_ba98 | 0);
  assert.equal(Memory.mapped()[before], memory);
  memory.unmap();
  assert.equal(Memory.mapped().length, before);
});

test("a pointer is the address that the two words make", { skip }, async () => {
  const { Memory } = await import("./memory.ts");
  const memory = Memory.allocate(4096);
  for (const offset of [0, 1, 4095]) {
    assert.equal(memory.pointerTo(offset), memory.at + BigInt(offset));
    memory.writePointer(2, memory, offset);
    assert.equal((BigInt(memory.words[3]) << 32n) | BigInt(memory.words[2]), memory.pointerTo(offset));
  }
  memory.unmap();
});

test("a failed mapping is an error with the system's code", { skip }, async () => {
  const { Memory } = await import("./memory.ts");
  assert.throws(() => Memory.map(-1, 4096, 0), { code: "EBADF", message: "mmap of 4096 bytes: EBADF" });
});
