import assert from "node:assert/strict";
import { test } from "node:test";
import { writePeerAddress } from "../peer-address.ts";
import { ConnectionLimiter, VERDICT } from "./connection-limiter.ts";

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  writePeerAddress(text, bytes);
  return bytes;
}

/** A limiter whose connections are numbered in the order of arrival. */
class Rig {
  readonly limiter: ConnectionLimiter;
  readonly #free: number[];

  constructor(maxConnections: number, maxPerAddress = maxConnections) {
    this.limiter = new ConnectionLimiter({ maxConnections, maxPerAddress }, maxConnections);
    this.#free = Array.from({ length: maxConnections }, (_, i) => maxConnections - 1 - i);
  }

  /** @returns the number of the new connection, and the one displaced, or verdicts. */
  connect(text: string, isProxy = false): { number: number; displaced: number } {
    const remote = bytesOf(text);
    const displaced = this.limiter.decide(remote, isProxy);
    if (displaced === VERDICT.full || displaced === VERDICT.overShare)
      return { number: displaced, displaced };
    if (displaced >= 0) this.disconnect(displaced);
    const number = this.#free.pop() ?? assert.fail("no number is free");
    this.limiter.add(number, remote, isProxy);
    return { number, displaced };
  }

  disconnect(number: number): void {
    this.limiter.remove(number);
    this.#free.push(number);
  }
}

test("the longest idle connection is displaced", () => {
  const rig = new Rig(3);
  for (const [i, text] of ["192.0.2.1", "192.0.2.2", "192.0.2.3"].entries())
    assert.deepEqual(rig.connect(text), { number: i, displaced: VERDICT.accept });
  rig.limiter.idle(1);
  rig.limiter.idle(0);
  assert.equal(rig.connect("192.0.2.4").displaced, 2);
  assert.equal(rig.connect("192.0.2.5").displaced, 1);
  assert.equal(rig.connect("192.0.2.6").displaced, 0);
});

test("the address with most idle connections is displaced first, and an IPv6 /56 counts as one", () => {
  const rig = new Rig(5);
  rig.connect("192.0.2.1");
  rig.connect("2001:db8:0:1100::1");
  rig.connect("192.0.2.2");
  rig.connect("2001:db8:0:11ff::2");
  rig.connect("2001:db8:0:1200::2");
  assert.equal(rig.connect("192.0.2.3").displaced, 1);
  assert.equal(rig.connect("192.0.2.4").displaced, 0, "all have one now");
});

test("slow connections are displaced only when none is idle, and busy ones never", () => {
  const rig = new Rig(3);
  for (const text of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) rig.connect(text);
  rig.limiter.slow(1);
  rig.limiter.busy(2);
  assert.equal(rig.connect("192.0.2.4").displaced, 0);
  rig.limiter.busy(0);
  rig.limiter.slow(1);
  assert.equal(rig.connect("192.0.2.5").displaced, 1);
  rig.limiter.busy(1);
  assert.equal(rig.connect("192.0.2.6").number, VERDICT.full);
  rig.limiter.idle(2);
  assert.equal(rig.connect("192.0.2.7").displaced, 2);
});

test("an address has a limit, and displaces its own connections", () => {
  const rig = new Rig(10, 2);
  assert.equal(rig.connect("192.0.2.1").displaced, VERDICT.accept);
  assert.equal(rig.connect("192.0.2.1").displaced, VERDICT.accept);
  assert.equal(rig.connect("192.0.2.2").displaced, VERDICT.accept);
  assert.equal(rig.connect("192.0.2.1").displaced, 0);
  rig.limiter.busy(0);
  rig.limiter.slow(1);
  assert.equal(rig.connect("192.0.2.1").number, VERDICT.overShare);
  assert.equal(rig.connect("192.0.2.2").displaced, VERDICT.accept);
  rig.disconnect(0);
  assert.equal(rig.connect("192.0.2.1").displaced, VERDICT.accept);
});

test("proxies have no limit, and are displaced last", () => {
  const rig = new Rig(3, 1);
  rig.connect("192.0.2.1", true);
  rig.connect("192.0.2.1", true);
  assert.equal(rig.connect("192.0.2.9").displaced, VERDICT.accept);
  assert.equal(rig.connect("192.0.2.1", true).displaced, 2);
  assert.equal(rig.connect("192.0.2.9").displaced, 0);
});

test("it agrees with a linear search after random operations", () => {
  const size = 12;
  const rig = new Rig(size, 5);
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
      const came = rig.connect(text);
      const textOfDisplaced = here.get(came.displaced)?.text ?? "";
      if (isOver) assert.equal(came.displaced, idleOf(text)[0] ?? VERDICT.overShare);
      else if (here.size < size) assert.equal(came.displaced, VERDICT.accept);
      else if (idle.length === 0) assert.equal(came.displaced, VERDICT.full);
      else
        assert.deepEqual(
          [idleOf(textOfDisplaced)[0], idleOf(textOfDisplaced).length],
          [came.displaced, most],
        );
      here.delete(came.displaced);
      if (came.number >= 0) here.set(came.number, { text, idle: true });
    } else if (action === 3) {
      rig.disconnect(number);
      here.delete(number);
    } else {
      const { text } = here.get(number) ?? assert.fail();
      here.delete(number);
      here.set(number, { text, idle: action === 4 });
      if (action === 4) rig.limiter.idle(number);
      else rig.limiter.busy(number);
    }
    assert.equal(rig.limiter.count, here.size);
  }
});
