import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { EVENTFD_FLAGS, POLL } from "./layouts.ts";
import { probeUring } from "./probe.ts";
import type { Ring } from "./ring.ts";

const skip = (await probeUring()) ?? false;

const ENTRIES = 8;

/** Number of purposes. */
const PURPOSES = 16;

const ECANCELED = 125;

async function open(t: TestContext): Promise<Ring> {
  const { Ring } = await import("./ring.ts");
  const ring = new Ring(ENTRIES, 2 * ENTRIES);
  t.after(() => ring.close());
  return ring;
}

/** A descriptor that is always writable, so that a poll completes at once. */
async function openWritable(t: TestContext): Promise<number> {
  const { close, eventfd } = await import("./libc.ts");
  const fd = eventfd(0, EVENTFD_FLAGS);
  t.after(() => close(fd));
  return fd;
}

/** Unreleased completions. @returns owner, purpose and result of each. */
function take(ring: Ring): number[][] {
  const taken: number[][] = [];
  const { completions } = ring;
  for (let { head } = completions; head !== completions.tail; head = (head + 1) >>> 0) {
    const at = completions.at(head);
    taken.push([completions.owner(at), completions.purpose(at), completions.result(at)]);
    ring.taken(at);
    completions.release((head + 1) >>> 0);
  }
  return taken;
}

test("a wait times out", { skip }, async (t) => {
  const ring = await open(t);
  ring.enter(1, 1);
  assert.deepEqual(take(ring), []);
});

test("completions have their owner and purpose, also after the ring has wrapped", { skip }, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  for (let i = 0; i < 5 * ENTRIES; i++) {
    ring.poll(fd, POLL.writable, 0xffff_0000 + i, i % PURPOSES);
    ring.poll(fd, POLL.writable, i, 7);
    ring.enter(2, 1000);
    const expected = [
      [0xffff_0000 + i, i % PURPOSES, POLL.writable],
      [i, 7, POLL.writable],
    ];
    assert.deepEqual(take(ring).sort(byOwner), expected.sort(byOwner));
  }
});

test("the ring has the requested number of entries, and again after they are submitted", {
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

test("operations can be cancelled, and an error is a negative result", { skip }, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  ring.poll(fd, POLL.readable, 1, 1);
  ring.cancel(fd, 2, 2);
  ring.poll(1_000_000, POLL.readable, 3, 3);
  ring.enter(3, 1000);
  const EBADF = 9;
  const expected = [
    [1, 1, -ECANCELED],
    [2, 2, 1],
    [3, 3, -EBADF],
  ];
  assert.deepEqual(take(ring).sort(byOwner), expected);
});

test("a descriptor is in use from an operation's entry to its last completion, and cannot be closed meanwhile", {
  skip,
}, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  const other = await openWritable(t);
  ring.poll(fd, POLL.readable, 1, 1);
  for (const step of ["made", "submitted"]) {
    assert.equal(ring.isInUse(fd), true, step);
    assert.equal(ring.isInUse(other), false);
    assert.throws(() => ring.closeDescriptor(fd), /in use/);
    ring.enter(0, 0);
  }
  ring.cancel(fd, 3, 3);
  ring.enter(2, 1000);
  assert.equal(ring.isInUse(fd), true, "completed, but not taken");
  assert.equal(take(ring).length, 2);
  assert.equal(ring.isInUse(fd), false);
  assert.equal(ring.isIdle, true);
});

test("a descriptor is in use until its sends have been submitted", { skip }, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  const { Memory } = await import("./memory.ts");
  const memory = Memory.allocate(4096);
  t.after(() => memory.unmap());
  ring.send({ fd, memory, offset: 0, length: 1, owner: 1, purpose: 1 });
  assert.equal(ring.isInUse(fd), true);
  assert.throws(() => ring.closeDescriptor(fd), /in use/);
  ring.enter(0, 0);
  assert.equal(ring.isInUse(fd), false);
});

test("the close linked to a reply is never submitted without it", { skip }, async (t) => {
  const ring = await open(t);
  const fd = await openWritable(t);
  const { Memory } = await import("./memory.ts");
  const memory = Memory.allocate(4096);
  t.after(() => memory.unmap());
  const other = await openWritable(t);
  while (ring.room > 1) ring.poll(fd, POLL.writable, 0, 0);
  assert.throws(
    () => ring.sendAndClose({ fd: other, memory, offset: 0, length: 1, owner: 1, purpose: 1 }),
    /no room/,
  );
  assert.equal(ring.room, 1, "neither entry is added");
  ring.poll(fd, POLL.writable, 0, 0);
  assert.throws(() => ring.poll(fd, POLL.writable, 0, 0), /no room/);
});

test("a retired descriptor is closed when its operations have ended", {
  skip,
}, async (t) => {
  const ring = await open(t);
  const { close, eventfd } = await import("./libc.ts");
  const [waiting, unused] = [eventfd(0, EVENTFD_FLAGS), eventfd(0, EVENTFD_FLAGS)];
  ring.poll(waiting, POLL.readable, 1, 1);
  ring.retire(waiting);
  ring.retire(unused);
  assert.equal(close(unused), -1, "is closed at once");
  ring.enter(2, 1000);
  assert.ok(existsSync(`/proc/self/fd/${waiting}`), "is open until then");
  assert.deepEqual(take(ring).sort(byOwner), [
    [0, 0, 1],
    [1, 1, -ECANCELED],
  ]);
  assert.equal(close(waiting), -1, "is closed");
});

test("this kernel knows the operations", { skip }, async (t) => {
  assert.equal((await open(t)).knowsOperations(), true);
});

function byOwner(a: number[], b: number[]): number {
  return a[0] - b[0];
}
