import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ascii } from "./ascii.ts";
import { hostEnd, SCHEME, TrackerUrl } from "./tracker-url.ts";

/** What a URL is made of, or undefined when it is none. Bytes before and after it must not matter. */
function parse(text: string) {
  const url = new TrackerUrl();
  const bytes = ascii(`x://y/${text}#@`);
  if (!url.parse(bytes, 6, 6 + text.length)) return undefined;
  const part = (start: number, end: number) => String.fromCharCode(...url.bytes.subarray(start, end));
  return [
    url.scheme,
    part(url.authorityStart, url.authorityEnd),
    part(url.pathStart, url.queryEnd),
    part(url.queryStart, url.queryEnd),
  ];
}

describe("TrackerUrl", () => {
  it("takes a URL apart, and leaves its escapes as they are", () => {
    assert.deepEqual(parse("http://tracker.example/a?info_hash=%Aa%2f&port=1"), [
      SCHEME.http,
      "tracker.example",
      "/a?info_hash=%Aa%2f&port=1",
      "info_hash=%Aa%2f&port=1",
    ]);
    assert.deepEqual(parse("HTTPS://[2001:db8::1]:8443?q"), [SCHEME.https, "[2001:db8::1]:8443", "?q", "q"]);
    assert.deepEqual(parse("udp://t.example:80"), [SCHEME.udp, "t.example:80", "", ""]);
    assert.deepEqual(parse("http://h/a?b?c"), [SCHEME.http, "h", "/a?b?c", "b?c"]);
    assert.deepEqual(parse("http://h/a?\xff\x80"), [SCHEME.http, "h", "/a?\xff\x80", "\xff\x80"]);
  });

  const refused = [
    "",
    "http",
    "http:",
    "http:/h/a",
    "http//h/a",
    "http:///a",
    "http://?q",
    "ftp://h/a",
    "file:///etc/passwd",
    "gopher://h:70/_x",
    "http+unix://h/a",
    "//h/a",
    "/a",
    "http://user@h/a",
    "http://user:pass@h/a",
    "http://h\\@evil/a",
    "http://h%2eexample/a",
    "http://h%00/a",
    "http://h /a",
    "http://h\t/a",
    "http://h/a b",
    "http://h/a\r\nHost: evil",
    "http://h/a?x=\nGET / HTTP/1.1",
    "http://h/a?x=\0",
    "http://h/a?x=\x7f",
    "http://h/a#f",
    "http://h#@evil/a",
    "http://h;evil/a",
    "http://b\xfccher.example/a",
    "http://h,evil/a",
    "http://$h/a",
    `http://${"h".repeat(261)}/a`,
  ];
  for (const url of refused)
    it(`refuses ${JSON.stringify(url).slice(0, 60)}`, () => assert.equal(parse(url), undefined));
});

describe("hostEnd", () => {
  it("leaves the port off", () => {
    const host = (text: string) => text.slice(0, hostEnd(ascii(text), 0, text.length));
    assert.deepEqual(["h", "h:80", "h:", "[::1]", "[::1]:80", ":80", ""].map(host), [
      "h",
      "h",
      "h",
      "[::1]",
      "[::1]",
      "",
      "",
    ]);
  });
});
