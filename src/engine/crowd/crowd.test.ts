import assert from "node:assert/strict";
import { test } from "node:test";
import { writePeerAddress } from "../peer-address.ts";
import { Crowd, VERDICT } from "./crowd.ts";

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  writePeerAddress(text, bytes);
  return bytes;
}

/** A crowd, whose members are named by the order in which they came. */
class Door {
  readonly crowd: Crowd;
  readonly #free: number[];

  constructor(maxConnections: number, maxPerAddress = maxConnections) {
    this.crowd = new Crowd({ maxConnections, maxPerAddress }, maxConnections);
    this.#free = Array.from({ length: maxConnections }, (_, i) => maxConnections - 1 - i);
  }

  /** @returns the number that the newcomer got, and who made room. */
  come(text: string, isProxy = false): { number: number; gone: number } {
    const remote = bytesOf(text);
    const gone = this.crowd.judge(remote, isProxy);
    if (gone === VERDICT.full || gone === VERDICT.overShare) return { number: gone, gone };
    if (gone >= 0) this.leave(gone);
    const number = this.#free.pop() ?? assert.fail("no number is free");
    this.crowd.add(number, remote, isProxy);
    return { number, gone };
  }

  leave(number: number): void {
    this.crowd.remove(number);
    this.#free.push(number);
  }
}

test("the longest idle makes room", () => {
  const door = new Door(3);
  for (const [i, text] of ["192.0.2.1", "192.0.2.2", "192.0.2.3"].entries())
    assert.deepEqual(door.come(text), { number: i, gone: VERDICT.welcome });
  door.crowd.idle(1);
  door.crowd.idle(0);
  assert.equal(door.come("192.0.2.4").gone, 2);
  assert.equal(door.come("192.0.2.5").gone, 1);
  assert.equal(door.come("192.0.2.6").gone, 0);
});

test("the address with most idle connections makes room first, an IPv6 /56 being one", () => {
  const door = new Door(5);
  door.come("192.0.2.1");
  door.come("2001:db8:0:1100::1");
  door.come("192.0.2.2");
  door.come("2001:db8:0:11ff::2");
  door.come("2001:db8:0:1200::2");
  assert.equal(door.come("192.0.2.3").gone, 1);
  assert.equal(door.come("192.0.2.4").gone, 0, "now all have one");
});

test("those under way make room only when nobody is idle, and those that wait for the tracker never", () => {
  const door = new Door(3);
  for (const text of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) door.come(text);
  door.crowd.slow(1);
  door.crowd.busy(2);
  assert.equal(door.come("192.0.2.4").gone, 0);
  door.crowd.busy(0);
  door.crowd.slow(1);
  assert.equal(door.come("192.0.2.5").gone, 1);
  door.crowd.busy(1);
  assert.equal(door.come("192.0.2.6").number, VERDICT.full);
  door.crowd.idle(2);
  assert.equal(door.come("192.0.2.7").gone, 2);
});

test("an address has its share, and makes room for its own", () => {
  const door = new Door(10, 2);
  assert.equal(door.come("192.0.2.1").gone, VERDICT.welcome);
  assert.equal(door.come("192.0.2.1").gone, VERDICT.welcome);
  assert.equal(door.come("192.0.2.2").gone, VERDICT.welcome);
  assert.equal(door.come("192.0.2.1").gone, 0);
  door.crowd.busy(0);
  door.crowd.slow(1);
  assert.equal(door.come("192.0.2.1").number, VERDICT.overShare);
  assert.equal(door.come("192.0.2.2").gone, VERDICT.welcome);
  door.leave(0);
  assert.equal(door.come("192.0.2.1").gone, VERDICT.welcome);
});

test("proxies have no share, and make room last", () => {
  const door = new Door(3, 1);
  door.come("192.0.2.1", true);
  door.come("192.0.2.1", true);
  assert.equal(door.come("192.0.2.9").gone, VERDICT.welcome);
  assert.equal(door.come("192.0.2.1", true).gone, 2);
  assert.equal(door.come("192.0.2.9").gone, 0);
});

test("whatever happens, it agrees with a list that is searched", () => {
  const size = 12;
  const door = new Door(size, 5);
  const here = new Map<number, { text: string; idle: boolean }>();
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let i = 0; i < 20_000; i++) {
    const [number] = [...here.keys()].slice(random(Math.max(1, here.size)));
    const action = random(6);
    if (action < 3 || number === undefined) {
      const text = random(2) === 0 ? `192.0.2.${random(7)}` : `2001:db8:0:${random(3)}${random(9)}00::1`;
      const idle = [...here].filter(([, each]) => each.idle);
      const idleOf = (of: string) => idle.filter(([, each]) => each.text === of).map(([each]) => each);
      const most = Math.max(...idle.map(([, each]) => idleOf(each.text).length));
      const isOver = [...here.values()].filter((each) => each.text === text).length >= 5;
      const came = door.come(text);
      const textOfGone = here.get(came.gone)?.text ?? "";
      if (isOver) assert.equal(came.gone, idleOf(text)[0] ?? VERDICT.overShare);
      else if (here.size < size) assert.equal(came.gone, VERDICT.welcome);
      else if (idle.length === 0) assert.equal(came.gone, VERDICT.full);
      else assert.deepEqual([idleOf(textOfGone)[0], idleOf(textOfGone).length], [came.gone, most]);
      here.delete(came.gone);
      if (came.number >= 0) here.set(came.number, { text, idle: true });
    } else if (action === 3) {
      door.leave(number);
      here.delete(number);
    } else {
      const { text } = here.get(number) ?? assert.fail();
      here.delete(number);
      here.set(number, { text, idle: action === 4 });
      if (action === 4) door.crowd.idle(number);
      else door.crowd.busy(number);
    }
    assert.equal(door.crowd.count, here.size);
  }
});
