/** Conformance: single datagrams. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { freePort } from "../../../test/support/free-port.ts";
import { DATAGRAM_BYTES, DATAGRAM_REPLY_BYTES, type ListenAddress } from "../engine.ts";
import { IPV6_LOOPBACK, MAPPED_PREFIX, WITHOUT_IPV6 } from "./loopback.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import { TestClient } from "./test-client.ts";
import { pattern } from "./toy-service.ts";

const LOOPBACK: ListenAddress = { host: "127.0.0.1", port: 0 };

/** Registers the tests. */
export function describeDatagrams(makeEngine: MakeEngine): void {
  const start = (t: TestContext, datagrams = [LOOPBACK]) =>
    Rig.start(t, makeEngine, { addresses: [], datagrams });

  describe("datagrams", () => {
    test("the reply goes to the sender only", async (t) => {
      const rig = await start(t);
      const clients = await Promise.all(Array.from({ length: 5 }, () => rig.openDatagrams()));
      for (const [i, client] of clients.entries()) await client.send(`say to ${i}`);
      for (const [i, client] of clients.entries()) {
        assert.equal((await client.receive()).toString(), `to ${i}`);
        assert.equal(client.waiting, 0);
      }
    });

    test("the sender's address is passed as v4-mapped, with its port", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams(rig.datagrams[0], "127.1.2.3");
      assert.equal(await client.ask("remote"), `${MAPPED_PREFIX}7f010203 ${client.port}`);
    });

    test("an IPv6 sender", { skip: WITHOUT_IPV6 }, async (t) => {
      const rig = await start(t, [{ host: "::1", port: 0 }]);
      const client = await rig.openDatagrams();
      assert.equal(await client.ask("remote"), `${IPV6_LOOPBACK} ${client.port}`);
    });

    test("no reply is sent for 0 bytes", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams();
      for (let i = 0; i < 3; i++) await client.send("quiet");
      assert.equal(await client.ask("say something"), "something");
      assert.equal(rig.datagramService.calls, 4);
      assert.equal(client.waiting, 0);
    });

    test("an empty datagram is served", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams();
      assert.equal(await client.ask(""), "empty");
    });

    test("every length, in and out", (t) => everyLength(t, makeEngine));

    test("a datagram that is too long is dropped and counted", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams();
      const tooLong = [DATAGRAM_BYTES + 1, 9000, 65_507];
      for (const length of tooLong) await client.send("length ".padEnd(length, "x"));
      assert.equal(await client.ask("say short"), "short");
      assert.equal(rig.counters.dropped, tooLong.length);
      assert.equal(rig.datagramService.calls, 1);
    });

    test("one sender is answered in order", async (t) => {
      const rig = await start(t);
      const client = await rig.openDatagrams();
      for (let i = 0; i < 100; i++) await client.send(`say ${i}`);
      for (let i = 0; i < 100; i++) assert.equal((await client.receive()).toString(), String(i));
    });

    describeDatagramAddresses(makeEngine);
  });
}

function describeDatagramAddresses(makeEngine: MakeEngine): void {
  test("several addresses", async (t) => {
    const datagrams = ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map((host) => ({ host, port: 0 }));
    const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams });
    assert.deepEqual(
      rig.datagrams.map(({ host }) => host),
      datagrams.map(({ host }) => host),
    );
    for (const address of rig.datagrams) {
      const client = await rig.openDatagrams(address);
      assert.equal(await client.ask("say here"), "here");
    }
  });

  test(":: takes both families", { skip: WITHOUT_IPV6 }, async (t) => {
    const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams: [{ host: "::", port: 0 }] });
    await assertBothFamilies(rig, rig.datagrams[0].port);
  });

  test(":: leaves IPv4 to 0.0.0.0 when both are configured", { skip: WITHOUT_IPV6 }, async (t) => {
    const port = await freePort();
    const datagrams = ["0.0.0.0", "::"].map((host) => ({ host, port }));
    const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams });
    assert.deepEqual(rig.datagrams, datagrams);
    await assertBothFamilies(rig, port);
  });

  test("TCP and UDP on the same port", async (t) => {
    const both = [{ host: "127.0.0.1", port: await freePort() }];
    const rig = await Rig.start(t, makeEngine, { addresses: both, datagrams: both });
    assert.deepEqual([rig.addresses, rig.datagrams], [both, both]);
    const stream = await rig.connect();
    const client = await rig.openDatagrams();
    for (let i = 0; i < 20; i++) {
      const answers = await Promise.all([stream.ask("say stream"), client.ask("say datagram")]);
      assert.deepEqual(answers, ["stream", "datagram"]);
    }
  });

  test("a port in use is an error, and all sockets are closed", async (t) => {
    const rig = await Rig.start(t, makeEngine, { datagrams: [LOOPBACK] });
    const [taken] = rig.datagrams;
    const free = { host: "127.0.0.2", port: await freePort() };
    const options = { addresses: [free], datagrams: [free, taken] };
    await assert.rejects(Rig.start(t, makeEngine, options), (error: Error) => {
      assert.equal("code" in error && error.code, "EADDRINUSE", error.message);
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${taken.port}`));
      return true;
    });
    await assert.rejects(TestClient.connect(free), { code: "ECONNREFUSED" });
    await Rig.start(t, makeEngine, { addresses: [free], datagrams: [free] });
    assert.equal(await (await rig.openDatagrams()).ask("say alive"), "alive");
  });

  test("two engines share addresses, and each answers", async (t) => {
    const first = await Rig.start(t, makeEngine, { datagrams: [LOOPBACK], shared: true });
    const { addresses, datagrams } = first;
    const second = await Rig.start(t, makeEngine, { addresses, datagrams, shared: true });
    // The kernel chooses by the sender's address and port: with enough senders it chooses each.
    while (first.datagramService.calls === 0 || second.datagramService.calls === 0) {
      assert.equal(await (await first.openDatagrams()).ask("say hello"), "hello");
    }
    while (first.service.calls === 0 || second.service.calls === 0) {
      assert.equal(await (await first.connect()).ask("say hello"), "hello");
    }
    await first.engine.stop(0);
    for (let i = 0; i < 20; i++) assert.equal(await (await second.openDatagrams()).ask("say still"), "still");
  });
}

async function assertBothFamilies(rig: Rig, port: number): Promise<void> {
  const four = await rig.openDatagrams({ host: "127.0.0.1", port }, "127.0.0.1");
  const six = await rig.openDatagrams({ host: "::1", port });
  assert.equal(await four.ask("remote"), `${MAPPED_PREFIX}7f000001 ${four.port}`);
  assert.equal(await six.ask("remote"), `${IPV6_LOOPBACK} ${six.port}`);
}

async function everyLength(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams: [LOOPBACK] });
  const client = await rig.openDatagrams();
  for (let length = "length ".length; length <= DATAGRAM_BYTES; length += length < 100 ? 1 : 89) {
    assert.equal(await client.ask("length ".padEnd(length, "x")), String(length));
  }
  assert.equal(await client.ask("length ".padEnd(DATAGRAM_BYTES, "x")), String(DATAGRAM_BYTES));
  for (let length = 1; length <= DATAGRAM_REPLY_BYTES; length += 89) {
    await client.send(`bytes ${length} ${length & 0xff}`);
    assert.ok((await client.receive()).equals(pattern(length, length & 0xff)), `a reply of ${length} bytes`);
  }
  await client.send(`bytes ${DATAGRAM_REPLY_BYTES} 7`);
  assert.ok((await client.receive()).equals(pattern(DATAGRAM_REPLY_BYTES, 7)));
  assert.equal(rig.counters.dropped, 0);
}
