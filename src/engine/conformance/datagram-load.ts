/** Conformance: UDP under load, to unreachable senders, and during a stop. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type MakeEngine, Rig } from "./rig.ts";
import { TestDatagramClient } from "./test-datagram-client.ts";

const FLOOD = 10_000;
const SENDERS = 8;
/** Datagrams that fit every receive buffer. */
const FEW = 100;

const LONG_GRACE_MS = 600_000;
/** A stop that does not wait takes far less. */
const SOON_MS = 60_000;

/** Registers the tests. */
export function describeDatagramLoad(makeEngine: MakeEngine): void {
  const start = (t: TestContext) =>
    Rig.start(t, makeEngine, { addresses: [], datagrams: [{ host: "127.0.0.1", port: 0 }] });

  describe("datagrams under load", () => {
    test("a flood is answered or dropped, in order, and service continues", async (t) => {
      const rig = await start(t);
      const clients = await Promise.all(Array.from({ length: SENDERS }, () => rig.openDatagrams()));
      for (let i = 0; i < FLOOD / SENDERS; i++) {
        for (const client of clients) void client.send(`say ${i}`);
        if (i % FEW === 0) await nextTurn();
      }
      for (const client of clients) {
        const answers = (await client.askUntilAnswered("end")).map(Number);
        assert.deepEqual(
          answers,
          [...new Set(answers)].sort((a, b) => a - b),
          "in order, none twice",
        );
      }
      assert.ok(rig.datagramService.calls > FEW);
    });

    test("unreachable senders do not disturb others", async (t) => {
      const rig = await start(t);
      for (let i = 0; i < FEW; i++) {
        const gone = await TestDatagramClient.open(rig.datagrams[0]);
        await gone.send("say to nobody");
        gone.close();
        if (i % 10 === 0) assert.equal(await (await rig.openDatagrams()).ask("say here"), "here");
      }
      await rig.datagramService.until(() => rig.datagramService.calls >= FEW);
      assert.equal(await (await rig.openDatagrams()).ask("say still here"), "still here");
    });

    test("a stop answers datagrams that have arrived, and no later ones", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams();
      for (let i = 0; i < FEW; i++) await client.send(`say ${i}`);
      const started = performance.now();
      await rig.engine.stop(LONG_GRACE_MS);
      assert.ok(performance.now() - started < SOON_MS);
      for (let i = 0; i < FEW; i++) assert.equal((await client.receive()).toString(), String(i));
      const { calls } = rig.datagramService;
      await client.send("say more");
      await nextTurn();
      assert.equal(rig.datagramService.calls, calls);
    });

    test("a stop does not wait for senders that keep sending", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams();
      let sending = true;
      const sender = (async () => {
        while (sending) {
          for (let i = 0; i < 10; i++) void client.send("say more");
          await nextTurn();
        }
      })();
      await rig.datagramService.until(() => rig.datagramService.calls > FEW);
      const started = performance.now();
      await rig.engine.stop(LONG_GRACE_MS);
      assert.ok(performance.now() - started < SOON_MS);
      sending = false;
      await sender;
    });
  });
}
