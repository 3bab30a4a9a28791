import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatAddress } from "../model/address-text.ts";
import { ascii } from "./ascii.ts";
import { PROXY, PROXY_V1_LIMIT, PROXY_V2_LIMIT, ProxyHeader } from "./proxy-protocol.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

const header = new ProxyHeader();

/** What becomes of a connection's first bytes, between bytes that must not be read. */
function parse(text: string): string {
  const bytes = ascii(`PROXY ${text}\r\n\r\nGET /`);
  const status = header.parse(bytes, 6, 6 + text.length);
  if (status === PROXY.incomplete) return "incomplete";
  if (status === PROXY.absent) return "absent";
  if (status === PROXY.malformed) return "malformed";
  return `${header.length} ${header.hasSource ? formatAddress(header.source) : "-"}`;
}

/** A header of version 2. */
function v2(command: number, family: number, addresses: string, length = addresses.length): string {
  return `${SIGNATURE}${String.fromCharCode(command, family, length >> 8, length & 0xff)}${addresses}`;
}

const IPV4 = "\xc0\0\x02\x01\xc6\x33\x64\x02\x1a\xe1\0\x50";
const IPV6 = `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${"\0".repeat(16)}\x1a\xe1\0\x50`;

const COMPLETE: readonly [string, string][] = [
  ["PROXY TCP4 192.0.2.1 198.51.100.2 6881 80\r\n", "192.0.2.1"],
  ["PROXY TCP6 2001:db8::1 2001:db8::2 6881 80\r\n", "2001:db8::1"],
  ["PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 65535 0\r\n", "192.0.2.1"],
  ["PROXY UNKNOWN\r\n", "-"],
  [`PROXY UNKNOWN ${"f".repeat(PROXY_V1_LIMIT - 16)}\r\n`, "-"],
  [v2(0x21, 0x11, IPV4), "192.0.2.1"],
  [v2(0x21, 0x12, IPV4), "192.0.2.1"],
  [v2(0x21, 0x21, IPV6), "2001:db8::1"],
  [v2(0x21, 0x22, `${IPV6}\x04\0\x01x`), "2001:db8::1"],
  [v2(0x21, 0x11, IPV4.padEnd(PROXY_V2_LIMIT - 16, "\0")), "192.0.2.1"],
  [v2(0x20, 0x11, IPV4), "-"],
  [v2(0x20, 0x00, ""), "-"],
  [v2(0x20, 0xff, "x"), "-"],
  [v2(0x21, 0x00, "anything"), "-"],
  [v2(0x21, 0x31, "\0".repeat(216)), "-"],
  [v2(0x21, 0x32, "\0".repeat(216)), "-"],
];

const MALFORMED: readonly string[] = [
  "PROXY \r\n",
  "PROXY TCP5 192.0.2.1 198.51.100.2 6881 80\r\n",
  "PROXY tcp4 192.0.2.1 198.51.100.2 6881 80\r\n",
  "PROXY TCP4 2001:db8::1 2001:db8::2 6881 80\r\n",
  "PROXY TCP6 192.0.2.1 198.51.100.2 6881 80\r\n",
  "PROXY TCP4 192.0.2.1 198.51.100.2 6881\r\n",
  "PROXY TCP4 192.0.2.1 198.51.100.2 6881 80 \r\n",
  "PROXY TCP4 192.0.2.1  198.51.100.2 6881 80\r\n",
  "PROXY TCP4 192.0.2.1 198.51.100.2 65536 80\r\n",
  "PROXY TCP4 192.0.2.1 x 6881 80\r\n",
  "PROXY TCP4 192.0.2.1 198.51.100.2 6881 80\rx",
  "PROXY TCP4\r\n",
  "PROXY UNKNOWNX\r\n",
  "PROXY  TCP4 192.0.2.1 198.51.100.2 6881 80\r\n",
  `PROXY UNKNOWN ${"f".repeat(PROXY_V1_LIMIT - 15)}\r\n`,
  `PROXY ${"\n".repeat(PROXY_V1_LIMIT)}`,
  v2(0x22, 0x11, IPV4),
  v2(0x11, 0x11, IPV4),
  v2(0x21, 0x11, IPV4.slice(1)),
  v2(0x21, 0x21, IPV6.slice(1)),
  v2(0x21, 0x10, IPV4),
  v2(0x21, 0x13, IPV4),
  v2(0x21, 0x41, IPV4),
  v2(0x21, 0x11, IPV4, PROXY_V2_LIMIT - 15),
  v2(0x20, 0x00, "", 0xffff),
];

describe("ProxyHeader", () => {
  it("reads both versions, and what follows them is not its own", () => {
    for (const [text, source] of COMPLETE) {
      assert.equal(parse(text), `${text.length} ${source}`, JSON.stringify(text));
      assert.equal(parse(`${text}GET / HTTP/1.1\r\n`), `${text.length} ${source}`, JSON.stringify(text));
    }
  });

  it("waits for the rest of one that is cut anywhere", () => {
    for (const [text] of COMPLETE) {
      for (let cut = 1; cut < text.length; cut++) assert.equal(parse(text.slice(0, cut)), "incomplete");
    }
  });

  it("refuses what begins as one and is none", () => {
    for (const text of MALFORMED) assert.equal(parse(text), "malformed", JSON.stringify(text));
  });

  it("waits no longer than one may be", () => {
    assert.equal(parse(`PROXY ${"x".repeat(PROXY_V1_LIMIT - 7)}`), "incomplete");
    assert.equal(parse(`PROXY ${"x".repeat(PROXY_V1_LIMIT - 6)}`), "malformed");
    assert.equal(parse(`PROXY ${"x".repeat(PROXY_V1_LIMIT - 7)}\r\n`), "malformed");
  });

  it("knows at the first byte that differs that there is none", () => {
    for (const text of [
      "G",
      "\r\nGET",
      "POST",
      "PROXY/1.1",
      "PROXy ",
      "\r\n\r\nG",
      "\x13BitTorrent protocol",
      "\x16\x03\x01",
    ]) {
      assert.equal(parse(text), "absent", JSON.stringify(text));
    }
  });

  it("never takes more than there is", () => {
    const parts = fc.constantFrom(
      "PROXY ",
      "TCP4 ",
      "192.0.2.1 ",
      "80",
      "\r\n",
      SIGNATURE,
      "\x21\x11",
      "\0\x0c",
      IPV4,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string({ unit: "binary-ascii" }))), (texts) => {
        const text = texts.join("");
        const taken = Number.parseInt(parse(text), 10);
        assert.ok(Number.isNaN(taken) || (taken > 0 && taken <= text.length));
      }),
      { numRuns: 1000 },
    );
  });
});
