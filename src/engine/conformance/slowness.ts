/** Conformance: slow clients do not hold up others, and time out. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { REPLY_BYTES } from "../engine.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import { pattern } from "./toy-service.ts";

const SHORT_MS = 120;
/** Clocks of timers and sockets differ slightly. */
const TOLERANCE_MS = 5;
const KEPT_MS = 400;

/** Large replies. The kernel takes fewer of them from a client that does not read. */
const MOST_REPLIES = 40;

/** More than all buffers between two sockets. */
const ENDLESS_REPLIES = 2000;

/** Requests longer than one receive operation, and shorter than INPUT_BYTES. */
const LONG_REQUEST_BYTES = 5000;
const LONG_REQUESTS = 100;

/** Registers the tests. */
export function describeSlowness(makeEngine: MakeEngine): void {
  describe("slowness", () => {
    test("replies to slow readers are not mixed up", (t) => slowReaders(t, makeEngine));
    test("replies to long pipelined requests are not mixed up", (t) => longRequests(t, makeEngine));
    test("a client that does not read is not served", (t) => notServedWhileBlocked(t, makeEngine));

    test("idle from the start", async (t) => {
      const rig = await Rig.start(t, makeEngine, { idleTimeoutMs: SHORT_MS });
      const started = performance.now();
      const client = await rig.connect();
      await client.readToEnd();
      assert.ok(performance.now() - started >= SHORT_MS - TOLERANCE_MS);
      await rig.counters.until(() => rig.counters.closed === 1);
      assert.equal(rig.counters.timedOut, 1);
    });

    test("idle after a reply", async (t) => {
      const rig = await Rig.start(t, makeEngine, { idleTimeoutMs: SHORT_MS });
      const client = await rig.connect();
      await client.ask("say something");
      assert.deepEqual(await client.readToEnd(), { bytes: Buffer.alloc(0), error: undefined });
      await rig.counters.until(() => rig.counters.timedOut === 1 && rig.counters.closed === 1);
    });

    test("a request that never ends, though it makes progress", async (t) => {
      const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
      const client = await rig.connect();
      client.send("say ");
      const started = performance.now();
      const trickle = setInterval(() => client.send("x"), 10);
      t.after(() => clearInterval(trickle));
      await client.readToEnd();
      assert.ok(performance.now() - started >= SHORT_MS - TOLERANCE_MS);
      await rig.counters.until(() => rig.counters.timedOut === 1 && rig.counters.closed === 1);
    });

    test("a client that keeps asking is kept", async (t) => {
      const limits = { idleTimeoutMs: KEPT_MS, requestTimeoutMs: KEPT_MS };
      // Repeated if the machine was too busy.
      while (!(await keepAsking(await Rig.start(t, makeEngine, limits))));
    });

    test("an unread reply", async (t) => {
      const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
      const client = await rig.connect();
      client.send(`bytes ${REPLY_BYTES} 1\n`.repeat(ENDLESS_REPLIES));
      await rig.counters.until(() => rig.counters.timedOut === 1 && rig.counters.closed === 1);
      await rig.assertServes();
    });

    test("an unread last reply", async (t) => {
      const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
      // In one of them the last reply is stuck in the middle.
      for (let replies = 0; replies < MOST_REPLIES; replies++) {
        const client = await rig.connect();
        client.send(`${`bytes ${REPLY_BYTES} 1\n`.repeat(replies)}bytes ${REPLY_BYTES / 2} 1\nbye\n`);
      }
      await rig.counters.until(() => rig.counters.closed === MOST_REPLIES);
      await rig.assertServes();
    });

    test("a client that never closes after a refusal", async (t) => {
      const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
      const client = await rig.connect();
      assert.equal(await client.ask("refuse"), "refused");
      await rig.counters.until(() => rig.counters.closed === 1);
      assert.equal(rig.counters.timedOut, 0, "it has its reply");
    });
  });
}

/** Requests of several segments, which an engine may receive together, and more replies than the kernel takes. */
async function longRequests(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  assert.equal(await client.ask("say hello"), "hello");
  const seeds = Array.from({ length: LONG_REQUESTS }, (_, seed) => seed);
  const filler = "x".repeat(LONG_REQUEST_BYTES);
  client.send(seeds.map((seed) => `bytes ${REPLY_BYTES} ${seed} ${filler}\n`).join(""));
  await rig.settle();
  for (const seed of seeds) {
    const reply = await client.read(REPLY_BYTES);
    assert.ok(reply.equals(pattern(REPLY_BYTES, seed)), `reply ${seed}`);
  }
}

/** Asks for longer than the idle timeout. @returns false after a pause of half of it. */
async function keepAsking(rig: Rig): Promise<boolean> {
  const client = await rig.connect();
  let asked = performance.now();
  let longest = 0;
  for (const end = asked + 1.5 * KEPT_MS; asked < end; ) {
    const answer = await client.ask("say still here").catch(() => "");
    const now = performance.now();
    longest = Math.max(longest, now - asked);
    asked = now;
    if (longest > KEPT_MS / 2) return false;
    assert.equal(answer, "still here");
  }
  assert.equal(rig.counters.timedOut, 0);
  return true;
}

async function slowReaders(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const lengths = [REPLY_BYTES, 70_001, 33, 4096, REPLY_BYTES - 1, 1];
  const rounds = 15;
  const slow = await Promise.all(Array.from({ length: 6 }, () => rig.connect()));
  for (const [seed, client] of slow.entries()) {
    client.send(
      lengths
        .map((length) => `bytes ${length} ${seed}\n`)
        .join("")
        .repeat(rounds),
    );
  }
  const quick = await rig.connect();
  for (let round = 0; round < rounds; round++) {
    for (const length of lengths) {
      for (const [seed, client] of slow.entries()) {
        assert.ok(
          (await client.read(length)).equals(pattern(length, seed)),
          `client ${seed}, round ${round}`,
        );
      }
      assert.equal(await quick.ask("say quick"), "quick");
    }
  }
  for (const client of slow) assert.equal(await client.ask("say done"), "done");
}

/** While replies are stuck, the engine must neither serve nor read: both would fill memory. */
async function notServedWhileBlocked(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  const made = await rig.fill(client);
  const other = await rig.connect();
  const before = rig.service.calls;
  for (let i = 0; i < 50; i++) {
    client.send(`bytes ${REPLY_BYTES} 1\n`.repeat(100));
    assert.equal(await other.ask("say hello"), "hello");
  }
  assert.ok(
    rig.service.calls - before - 50 < 10,
    `${rig.service.calls - before - 50} replies made for a blocked client`,
  );
  const expected = pattern(REPLY_BYTES, 1);
  for (let i = 0; i < made + 100; i++)
    assert.ok((await client.read(REPLY_BYTES)).equals(expected), `reply ${i}`);
}
