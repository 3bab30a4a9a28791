/** Conformance: listening addresses, and the remote addresses passed to the service. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { freePort } from "../../../test/support/free-port.ts";
import { IPV6_LOOPBACK, MAPPED_PREFIX, WITHOUT_IPV6 } from "./loopback.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import { TestClient } from "./test-client.ts";

/** Registers the tests. */
export function describeAddresses(makeEngine: MakeEngine): void {
  describe("addresses", () => {
    test("IPv4 addresses are passed as v4-mapped", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect(rig.addresses[0], "127.1.2.3");
      assert.equal(await client.ask("remote"), `${MAPPED_PREFIX}7f010203`);
    });

    test("IPv6 peers", { skip: WITHOUT_IPV6 }, async (t) => {
      const rig = await Rig.start(t, makeEngine, { addresses: [{ host: "::1", port: 0 }] });
      const client = await rig.connect();
      assert.equal(await client.ask("remote"), IPV6_LOOPBACK);
    });

    test(":: takes both families", { skip: WITHOUT_IPV6 }, async (t) => {
      const rig = await Rig.start(t, makeEngine, { addresses: [{ host: "::", port: 0 }] });
      const [{ port }] = rig.addresses;
      const four = await rig.connect({ host: "127.0.0.1", port }, "127.0.0.9");
      const six = await rig.connect({ host: "::1", port });
      assert.equal(await four.ask("remote"), `${MAPPED_PREFIX}7f000009`);
      assert.equal(await six.ask("remote"), IPV6_LOOPBACK);
    });

    test(":: leaves IPv4 to 0.0.0.0 when both are configured", { skip: WITHOUT_IPV6 }, async (t) => {
      const port = await freePort();
      const addresses = ["0.0.0.0", "::"].map((host) => ({ host, port }));
      const rig = await Rig.start(t, makeEngine, { addresses });
      assert.deepEqual(rig.addresses, addresses);
      const four = await rig.connect({ host: "127.0.0.1", port });
      const six = await rig.connect({ host: "::1", port });
      assert.equal(await four.ask("remote"), `${MAPPED_PREFIX}7f000001`);
      assert.equal(await six.ask("remote"), IPV6_LOOPBACK);
    });

    test("a remote address that the service replaced stays replaced on its connection", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const replaced = await rig.connect();
      const other = await rig.connect();
      replaced.send("become 20010db8000000000000000000000001\n");
      assert.equal(await replaced.ask("remote"), "20010db8000000000000000000000001");
      assert.equal(await other.ask("remote"), `${MAPPED_PREFIX}7f000001`);
      assert.equal(await replaced.ask("remote"), "20010db8000000000000000000000001");
      const next = await rig.connect();
      assert.equal(await next.ask("remote"), `${MAPPED_PREFIX}7f000001`);
    });

    test("a port in use is an error, and all sockets are closed", (t) => portInUse(t, makeEngine));
  });
}

async function portInUse(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const [taken] = rig.addresses;
  const free = { host: "127.0.0.2", port: await freePort() };
  await assert.rejects(Rig.start(t, makeEngine, { addresses: [free, taken] }), (error: Error) => {
    assert.equal("code" in error && error.code, "EADDRINUSE", error.message);
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${taken.port}`));
    return true;
  });
  await assert.rejects(TestClient.connect(free), { code: "ECONNREFUSED" });
  await rig.assertServes();
}
