/** Conformance: requests are independent of packet boundaries, and replies are complete and in order. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import { INPUT_BYTES, REPLY_BYTES } from "../engine.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import { pattern } from "./toy-service.ts";

interface Sample {
  readonly request: string;
  readonly reply: Buffer;
}

/** Long enough that parts of a request need buffers of several sizes. */
const text = fc
  .integer({ min: 0, max: 4000 })
  .map((length) => pattern(length, length).toString("hex").slice(length));
const sample: fc.Arbitrary<Sample> = fc.oneof(
  text.map((said) => ({ request: `say ${said}\n`, reply: Buffer.from(`${said}\n`) })),
  fc.constant({ request: "quiet\n", reply: Buffer.alloc(0) }),
  fc.constant({ request: "nonsense\n", reply: Buffer.from("?\n") }),
  fc
    .tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 255 }))
    .map(([length, seed]) => ({ request: `bytes ${length} ${seed}\n`, reply: pattern(length, seed) })),
);

/** Registers the tests. */
export function describeRequests(makeEngine: MakeEngine): void {
  describe("requests", () => {
    test("split at every byte", (t) => splitAtEveryByte(t, makeEngine));
    test("pipelined and split anywhere", (t) => pipelinedAndSplit(t, makeEngine));

    test("many in one packet", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      client.send("count\n".repeat(5000));
      const expected = Array.from({ length: 5000 }, (_, i) => `${i + 1}\n`).join("");
      assert.equal((await client.read(expected.length)).toString(), expected);
    });

    test("the largest replies, pipelined", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      client.send([1, 2, 3, 4].map((seed) => `bytes ${REPLY_BYTES} ${seed}\n`).join(""));
      for (const seed of [1, 2, 3, 4]) {
        assert.ok((await client.read(REPLY_BYTES)).equals(pattern(REPLY_BYTES, seed)), `reply ${seed}`);
      }
    });

    test("the largest request is served", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      const said = pattern(INPUT_BYTES, 1)
        .toString("hex")
        .slice(0, INPUT_BYTES - "say \n".length);
      client.send(`say ${said}\nsay ${said}`);
      await rig.service.until(() => rig.service.seen === 2 * INPUT_BYTES - 1);
      client.send("\n");
      assert.equal((await client.read(2 * said.length + 2)).toString(), `${said}\n${said}\n`);
    });

    test("a request larger than that closes the connection", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      client.send("x".repeat(INPUT_BYTES));
      assert.equal((await client.readToEnd()).bytes.length, 0);
      await rig.counters.until(() => rig.counters.closed === 1);
      await rig.assertServes();
    });

    test("state is kept per connection", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const one = await rig.connect();
      const other = await rig.connect();
      assert.equal(await one.ask("count"), "1");
      assert.equal(await other.ask("count"), "1");
      assert.equal(await one.ask("count"), "2");
      assert.equal(await one.ask("count"), "3");
      assert.equal(await other.ask("count"), "2");
    });

    test("garbage does not affect other connections", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const property = fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 4000 }), async (bytes) => {
        const client = await rig.connect();
        client.sendLast(bytes);
        await client.readToEnd();
      });
      await fc.assert(property, { numRuns: 50 });
      await rig.assertServes();
    });
  });
}

async function splitAtEveryByte(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  const request = "say the quick brown fox\n";
  let sent = 0;
  for (let at = 1; at < request.length; at++) {
    client.send(request.slice(0, at));
    sent += at;
    await rig.service.until(() => rig.service.seen === sent);
    client.send(request.slice(at));
    sent += request.length - at;
    assert.equal(await client.readLine(), "the quick brown fox");
  }
}

async function pipelinedAndSplit(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  let sent = 0;
  const property = fc.asyncProperty(
    fc.array(sample, { minLength: 1, maxLength: 30 }),
    fc.array(fc.nat(), { maxLength: 8 }),
    async (samples, cuts) => {
      const requests = samples.map(({ request }) => request).join("");
      const replies = Buffer.concat(samples.map(({ reply }) => reply));
      const ends = cuts.map((cut) => cut % requests.length).sort((a, b) => a - b);
      const received = client.read(replies.length);
      let start = 0;
      for (const end of [...ends, requests.length]) {
        client.send(requests.slice(start, end));
        sent += end - start;
        start = end;
        await rig.service.until(() => rig.service.seen === sent);
      }
      assert.ok((await received).equals(replies));
    },
  );
  await fc.assert(property, { numRuns: 50 });
}
