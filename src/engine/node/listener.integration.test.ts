import assert from "node:assert/strict";
import { Server } from "node:net";
import { mock, type TestContext, test } from "node:test";
import { openListener } from "./listener.ts";

const ANY = { port: 0, ipv6Only: false, reusePort: false };

/** Makes listening on IPv6 fail as it does on a machine without it. */
function withoutIPv6(t: TestContext, code: string): void {
  const listen = Server.prototype.listen;
  const failing = mock.method(
    Server.prototype,
    "listen",
    function (this: Server, ...args: [{ host: string }]) {
      if (!args[0].host.includes(":")) return listen.apply(this, args);
      process.nextTick(() => this.emit("error", Object.assign(new Error(`listen ${code}`), { code })));
      return this;
    },
  );
  t.after(() => failing.mock.restore());
}

for (const code of ["EAFNOSUPPORT", "EADDRNOTAVAIL"]) {
  test(`:: falls back to 0.0.0.0 on ${code}`, async (t) => {
    withoutIPv6(t, code);
    const server = await openListener({ ...ANY, host: "::" }, () => {});
    t.after(() => server.close());
    assert.partialDeepStrictEqual(server.address(), { address: "0.0.0.0", family: "IPv4" });
  });
}

test("a specific IPv6 address does not fall back", async (t) => {
  withoutIPv6(t, "EADDRNOTAVAIL");
  await assert.rejects(
    openListener({ ...ANY, host: "::1" }, () => {}),
    { code: "EADDRNOTAVAIL" },
  );
});

test(":: does not fall back for other reasons", async (t) => {
  withoutIPv6(t, "EACCES");
  await assert.rejects(
    openListener({ ...ANY, host: "::" }, () => {}),
    { code: "EACCES" },
  );
});
