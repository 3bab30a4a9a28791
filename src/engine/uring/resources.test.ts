import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateResources, Resources, takeResources } from "./resources.ts";

const NOTHING = { ring: undefined, mappings: [], descriptors: [] };

test("an engine's record is read once, as it was written", () => {
  const data = allocateResources(2, 3);
  assert.deepEqual(takeResources(data), NOTHING);
  const resources = new Resources(data, 3);
  const mappings = [
    { at: 0x7fff_ffff_f000n, length: 4096 },
    { at: 0x1000n, length: 2 ** 20 },
  ];
  const ring = { memory: mappings[1], completionOffsets: { head: 8, tail: 12, mask: 16, cqes: 64 } };
  resources.ring = { fd: 20, ...ring };
  resources.wake = 21;
  resources.sockets = [22];
  resources.mappings = mappings;
  resources.connections[0] = 0;
  resources.connections[2] = 30;
  assert.deepEqual(takeResources(data), { ring, mappings, descriptors: [20, 21, 22, 0, 30] });
  assert.deepEqual(takeResources(data), NOTHING);
});
