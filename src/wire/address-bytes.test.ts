import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Address } from "../model/address.ts";
import { parseAddress as fromText, formatAddress as toText } from "../model/address-text.ts";
import {
  ADDRESS_TEXT_BYTES,
  formatAddress,
  NO_ENDPOINT,
  parseAddress,
  parseEndpoint,
  parseIPv4,
  parseIPv6,
} from "./address-bytes.ts";
import { ascii } from "./ascii.ts";

type Parse = (bytes: Uint8Array, start: number, end: number, address: Address) => boolean;

/** Parses a text that stands between others, which must not be read. */
function parsed(parse: Parse, text: string): string | null {
  const address = new Address();
  const bytes = ascii(`1${text}2`);
  return parse(bytes, 1, bytes.length - 1, address) ? toText(address) : null;
}

function endpoint(text: string): string | null {
  const address = new Address();
  const bytes = ascii(`1${text}2`);
  const port = parseEndpoint(bytes, 1, bytes.length - 1, address);
  return port === NO_ENDPOINT ? null : `${toText(address)} ${port}`;
}

const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6()).map(fromText);
const nearlyAddress = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEFgx.:% []-"), maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom("0", "1", "255", "256", "ffff", ":", "::", ".", "1.2.3.4"),
    maxLength: 12,
  }),
);

describe("parseIPv4", () => {
  it("takes four numbers from 0 to 255", () => {
    assert.equal(parsed(parseIPv4, "0.0.0.0"), "0.0.0.0");
    assert.equal(parsed(parseIPv4, "255.255.255.255"), "255.255.255.255");
    assert.equal(parsed(parseIPv4, "192.0.2.10"), "192.0.2.10");
  });

  it("takes nothing that another parser reads differently", () => {
    for (const text of [
      "010.0.0.1",
      "1.2.3",
      "1.2.3.4.5",
      "0x7f.0.0.1",
      "1.2.3.256",
      "1.2.3.4 ",
      "+1.2.3.4",
      "1..2.3",
      "",
    ]) {
      assert.equal(parsed(parseIPv4, text), null, text);
    }
  });

  it("takes what node takes", () => {
    fc.assert(fc.property(nearlyAddress, (text) => (parsed(parseIPv4, text) !== null) === isIPv4(text)));
  });
});

describe("parseIPv6", () => {
  it("takes every form of RFC 4291", () => {
    assert.equal(parsed(parseIPv6, "2001:DB8:0:0:8:800:200C:417A"), "2001:db8::8:800:200c:417a");
    assert.equal(parsed(parseIPv6, "::"), "::");
    assert.equal(parsed(parseIPv6, "1::"), "1::");
    assert.equal(parsed(parseIPv6, "::1"), "::1");
    assert.equal(parsed(parseIPv6, "1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
    assert.equal(parsed(parseIPv6, "64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
  });

  it("unmaps v4-mapped addresses, however they are written", () => {
    assert.equal(parsed(parseIPv6, "::ffff:192.0.2.33"), "192.0.2.33");
    assert.equal(parsed(parseIPv6, "0:0:0:0:0:ffff:c000:221"), "192.0.2.33");
  });

  it("takes no zones, brackets, fragments and surpluses", () => {
    for (const text of [
      "fe80::1%eth0",
      "[::1]",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
    ]) {
      assert.equal(parsed(parseIPv6, text), null, text);
    }
    for (const text of [
      "::1.2.3",
      "1.2.3.4::",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1:",
      ":1",
      "::g",
      "1:2:3:4:5:6:7:8::",
      "::1 ",
    ]) {
      assert.equal(parsed(parseIPv6, text), null, text);
    }
  });

  it("takes what node takes, zones aside", () => {
    const expected = (text: string) => isIPv6(text) && !text.includes("%");
    fc.assert(
      fc.property(nearlyAddress, (text) => (parsed(parseIPv6, text) !== null) === expected(text)),
      { numRuns: 2000 },
    );
  });
});

describe("parseAddress", () => {
  it("reads what the control plane's parser reads", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        assert.equal(parsed(parseAddress, text), toText(fromText(text)));
      }),
    );
  });
});

describe("parseEndpoint", () => {
  it("takes an address of either family with or without a port", () => {
    assert.equal(endpoint("192.0.2.1"), "192.0.2.1 0");
    assert.equal(endpoint("192.0.2.1:6881"), "192.0.2.1 6881");
    assert.equal(endpoint("2001:db8::1"), "2001:db8::1 0");
    assert.equal(endpoint("[2001:db8::1]"), "2001:db8::1 0");
    assert.equal(endpoint("[2001:db8::1]:65535"), "2001:db8::1 65535");
    assert.equal(endpoint("[::ffff:192.0.2.1]:1"), "192.0.2.1 1");
  });

  it("takes no port 0, no port beyond 65535, and no half of one", () => {
    for (const port of ["0", "65536", "", "-1", "x", "1 ", "99999999999999999999"]) {
      assert.equal(endpoint(`192.0.2.1:${port}`), null, port);
      assert.equal(endpoint(`[2001:db8::1]:${port}`), null, port);
    }
  });

  it("takes nothing else", () => {
    for (const text of [
      "",
      "unknown",
      "_hidden",
      "peer.example",
      "[192.0.2.1]",
      "[::1",
      "[::1]1",
      "::1]",
      "[]",
      ":1",
    ]) {
      assert.equal(endpoint(text), null, text);
    }
  });
});

describe("formatAddress", () => {
  it("writes what the control plane's formatter writes, within its room", () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        const bytes = new Uint8Array(1 + ADDRESS_TEXT_BYTES);
        const end = formatAddress(bytes, 1, address);
        assert.equal(Buffer.from(bytes.subarray(1, end)).toString(), toText(address));
      }),
    );
  });
});
