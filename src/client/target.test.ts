import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAnnounce, parseTarget, resolveLocation, type Target } from "./target.ts";

/** A target that must be one. */
function target(url: string): Target {
  const read = parseTarget(url, true);
  assert.ok(typeof read !== "string", `${url}: ${read}`);
  return read;
}

test("parses URLs", () => {
  const cases: [string, string, number, string][] = [
    ["http://tracker.example/announce?x=%aA", "tracker.example", 80, "/announce?x=%aA"],
    ["HTTPS://Tracker.Example", "tracker.example", 443, "/"],
    ["http://tracker.example?x", "tracker.example", 80, "/?x"],
    ["udp://tracker.example:6969", "tracker.example", 6969, "/"],
    ["http://xn--e1afmkfd.xn--p1ai:8080/a", "xn--e1afmkfd.xn--p1ai", 8080, "/a"],
    ["http://my_tracker/a", "my_tracker", 80, "/a"],
    ["http://9.rarbg.example/a", "9.rarbg.example", 80, "/a"],
    ["http://192.0.2.7:2710/a", "192.0.2.7", 2710, "/a"],
    ["http://[2001:DB8:0::7]:2710/a", "2001:db8::7", 2710, "/a"],
    ["http://[::ffff:192.0.2.7]/a", "192.0.2.7", 80, "/a"],
    ["http://t.example/\xff\"<>^`{|}'@:\\", "t.example", 80, "/\xff\"<>^`{|}'@:\\"],
  ];
  for (const [url, host, port, path] of cases) {
    const read = target(url);
    assert.deepEqual([read.host, read.port, read.path], [host, port, path], url);
  }
});

test("refuses URLs", () => {
  const refused = [
    "",
    "tracker.example/announce",
    "/announce",
    "ftp://tracker.example/",
    "wss://tracker.example/",
    "file:///etc/passwd",
    "http:/tracker.example/",
    "http:///announce",
    "http://user@tracker.example/",
    "http://user:password@tracker.example/",
    "http://tracker.example@10.0.0.1/",
    "http://tracker.example:80@10.0.0.1/",
    "http://tracker.example\\@10.0.0.1/",
    "http://tracker.example:0/",
    "http://tracker.example:65536/",
    "http://tracker.example:080/",
    "http://tracker.example:/",
    "http://tracker.example:8o/",
    "http://tracker.example:80:80/",
    "udp://tracker.example/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.01/",
    "http://1.2.3.256/",
    "http://1.2.3.4./",
    "http://tracker.example./",
    "http://tracker..example/",
    "http://-tracker.example/",
    "http://tracker%2eexample/",
    "http://tracker.example%00.evil/",
    "http://tr\xe4cker.example/",
    "http://трекер.example/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://tracker.example /",
    " http://tracker.example/",
    "http://tracker.example/a b",
    "http://tracker.example/a\r\nX: y",
    "http://tracker.example/a\tb",
    "http://tracker.example/a\0b",
    "http://tracker.example/a\x7f",
    "http://tracker.example/#a",
    "http://tracker.example/ж",
    "http://[::1/",
    "http://::1/",
    "http://[::1%25lo]/",
    "http://[1.2.3.4]x/",
    "http://[v1.x]/",
    `http://${"a".repeat(64)}.example/`,
    `http://tracker.example/${"a".repeat(8192)}`,
  ];
  for (const url of refused) assert.equal(parseTarget(url, false), "url", url);
});

test("ports below 1024 other than 80 and 443, if they are refused", () => {
  for (const port of [1, 22, 25, 53, 1023]) {
    assert.equal(parseTarget(`http://t.example:${port}/`, true), "port");
    assert.equal(target(`http://t.example:${port + 1023}/`).port, port + 1023);
    assert.notEqual(parseTarget(`udp://t.example:${port}/`, false), "port");
  }
  assert.equal(target("https://t.example:80/").port, 80);
});

test("recognizes an announce", () => {
  const hash = `info_hash=${"%aB".repeat(10)}${"x".repeat(10)}`;
  for (const query of [`${hash}&port=1`, `port=6881&${hash}`, `a=b&${hash}&c&port=1`])
    assert.ok(isAnnounce(`/a?${query}`));
  const others = [
    "",
    hash,
    "port=1",
    `${hash}&port=`,
    `${hash}&export=1`,
    `${hash}y&port=1`,
    `x${hash}&port=1`,
  ];
  for (const query of [...others, "info_hash=&port=1"]) assert.ok(!isAnnounce(`/a?${query}`), query);
  assert.ok(!isAnnounce(`/${hash}&port=1`));
});

test("resolves redirects", () => {
  const from = target("http://t.example:8080/a/b?c/d");
  const cases = [
    ["https://u.example/x?%aa", "https://u.example/x?%aa"],
    ["//u.example/x", "http://u.example/x"],
    ["/x/y", "http://t.example:8080/x/y"],
    ["x", "http://t.example:8080/a/x"],
    ["?x", "http://t.example:8080/a/b?x"],
    ["x#fragment", "http://t.example:8080/a/x"],
    ["", "http://t.example:8080/a/"],
    ["javascript:alert(1)", "javascript:alert(1)"],
  ];
  for (const [location, url] of cases) assert.equal(resolveLocation(from, location), url);
  assert.equal(resolveLocation(target("http://[2001:db8::7]/a"), "/x"), "http://[2001:db8::7]:80/x");
});

test("where the parser of the web platform sees a host, it is the same one", () => {
  const part = fc.oneof(
    fc.constantFrom(..."./:@[]\\?#%", "0x", "127", "1", "::", "ffff", "xn--a", "localhost", "\t", "。"),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const url = `http://${parts.join("")}/`;
      const read = parseTarget(url, false);
      if (typeof read === "string") return;
      if (!URL.canParse(url)) return; // a label that IDNA refuses
      const theirs = new URL(url);
      const host = theirs.hostname.replace(/^\[|\]$/g, "");
      assert.equal(
        host.startsWith("::ffff:") ? "mapped" : host,
        host.startsWith("::ffff:") ? "mapped" : read.host,
      );
      assert.equal(Number(theirs.port || 80), read.port);
    }),
    { numRuns: 5000 },
  );
});
