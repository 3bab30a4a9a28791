import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHostPort } from "../model/address-text.ts";
import { parseListenAddress } from "./listen-address.ts";

test("an address and a port, IPv6 in brackets", () => {
  const cases: [string, string, number][] = [
    ["[::]:6969", "::", 6969],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["[2001:db8::1]:65535", "2001:db8::1", 65535],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
  ];
  for (const [text, host, port] of cases) {
    assert.deepEqual(parseListenAddress(text), { host, port });
    assert.equal(formatHostPort({ host, port }), text);
  }
});

test("anything else is refused, and the right form shown", () => {
  const cases: [string, RegExp][] = [
    ["6969", /write "\[::\]:6969"$/],
    ["127.0.0.1", /write "127\.0\.0\.1:6969"$/],
    ["::1", /write "\[::1\]:6969"$/],
    ["::1:6969", /write "\[::1\]:6969"$/],
    ["", /write "\[::\]:6969" or "127\.0\.0\.1:6969"$/],
    ["127.0.0.1:65536", /the port must be a number from 0 to 65535$/],
    ["127.0.0.1:-1", /the port must be a number/],
    ["127.0.0.1:80 ", /is not ADDRESS:PORT/],
    ["[::]", /is not ADDRESS:PORT/],
    [":6969", /":6969" has no IP address; use "\[::\]:6969" for all addresses/],
    ["*:6969", /"\*" is not an IP address/],
    ["localhost:6969", /"localhost" is not an IP address.*"127\.0\.0\.1:6969" for this machine only/],
    ["[127.0.0.1]:80", /"127\.0\.0\.1" is not an IP address/],
    ["http://127.0.0.1:80", /is not ADDRESS:PORT/],
  ];
  for (const [text, message] of cases) assert.throws(() => parseListenAddress(text), { message }, text);
});
