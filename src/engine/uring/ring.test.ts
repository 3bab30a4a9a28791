import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { EVENTFD_FLAGS, POLL } from "./layouts.ts";
import { probeUring } from "./probe.ts";
import type { Ring } from "./ring.ts";

const skip = (await probeUring()) ?? false;

const ENTRIES = 8;

async function open(t: TestContext): Promise<Ring> {
  const { Ring } = await import("./ring.ts");
  const ring = new Ring(ENTRIES, 2 * ENTRIES);
  t.after(() => ring.close());
  return ring;
}

/** A descriptor that can be written to, and so is never waited for long. */
async function openWritable(t: TestContext): Promise<number> {
  const { close, eventfd } = await import("./libc.ts");
  const fd = eventfd(0, EVENTFD_FLAGS);
  t.after(() => close(fd));
  return fd;
}

/** Completions that have not been released. @returns owner, purpose and result of each. */
function take(ring: Ring): number[][] {
  const taken: number[][] = [];
  const { completions } = ring;
  for (let { head } = completions; head !== completions.tail; head = (head + 1) >>> 0) {
    const at = completions.at(head);
    taken.push([completions.owner(at), completions.purpose(at), completions.result(at)]);
    completions.release((head + 1) >>> 0);
  }
  return taken;
}

test("a wait ends by itself", { skip }, async (t) => {
  const ring = await open(t);
  ring.enter(1, 1);
  assert.deepEqual(take(ring), []);
});

test("completions bring back owner and purpose, round and round the ring", { skip }, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  for (let i = 0; i < 5 * ENTRIES; i++) {
    ring.poll(fd, POLL.writable, 0xffff_0000 + i, i);
    ring.poll(fd, POLL.writable, i, 7);
    ring.enter(2, 1000);
    const expected = [
      [0xffff_0000 + i, i, POLL.writable],
      [i, 7, POLL.writable],
    ];
    assert.deepEqual(take(ring).sort(byOwner), expected.sort(byOwner));
  }
});

test("there is room for as many entries as were asked for, and again once they are submitted", {
  skip,
}, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  for (let room = ENTRIES; room > 0; room--) {
    assert.equal(ring.room, room);
    ring.poll(fd, POLL.writable, 0, 0);
  }
  assert.equal(ring.room, 0);
  ring.enter(0, 0);
  assert.equal(ring.room, ENTRIES);
});

test("what is under way can be cancelled, and an error is a result below 0", { skip }, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  ring.poll(fd, POLL.readable, 1, 1);
  ring.cancel(fd, 2, 2);
  ring.poll(1_000_000, POLL.readable, 3, 3);
  ring.enter(3, 1000);
  const ECANCELED = 125;
  const EBADF = 9;
  const expected = [
    [1, 1, -ECANCELED],
    [2, 2, 1],
    [3, 3, -EBADF],
  ];
  assert.deepEqual(take(ring).sort(byOwner), expected);
});

test("this kernel knows the operations", { skip }, async (t) => {
  assert.equal((await open(t)).knowsOperations(), true);
});

function byOwner(a: number[], b: number[]): number {
  return a[0] - b[0];
}
