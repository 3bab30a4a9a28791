import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AnnounceTemplate, literalPeerId, type PollIdentity } from "./announce-template.ts";

const IDENTITY: PollIdentity = { peerId: "-BTRT01-0a1b2c3d4e5f", port: 6881, numWant: 200, ip: "192.0.2.1" };
const HASH = Uint8Array.from({ length: 20 }, (_, i) => 13 * i);
const MANUAL =
  "http://retracker.mgts.by/announce?info_hash={info_hash}&peer_id=0123456789012345678A&port=6882&downloaded=0" +
  "&uploaded=0&left=4194304&event=started&compact=1&numwant=1000";

test("the template of the manual is filled in", () => {
  const { url, udp } = new AnnounceTemplate(MANUAL, 1).fill(HASH, IDENTITY);
  assert.equal(udp, undefined);
  const hash = "%00%0D%1A%274AN%5Bhu%82%8F%9C%A9%B6%C3%D0%DD%EA%F7";
  assert.equal(url, MANUAL.replace("{info_hash}", hash));
});

test("all placeholders are filled in, each as often as it is there", () => {
  const template = "http://n/?h={info_hash}&i={peer_id}&p={port}&n={numwant}&a={ip}&q={port}";
  const { url } = new AnnounceTemplate(template, 1).fill(new Uint8Array(20).fill(0x61), IDENTITY);
  const hash = "a".repeat(20);
  assert.equal(url, `http://n/?h=${hash}&i=-BTRT01-0a1b2c3d4e5f&p=6881&n=200&a=192.0.2.1&q=6881`);
});

test("any info-hash comes back as it was, by whoever reads the query", () => {
  const template = new AnnounceTemplate("http://n/announce?info_hash={info_hash}&compact=1", 1);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (hash) => {
      const { url } = template.fill(hash, IDENTITY);
      assert.match(url, /^[\x21-\x7e]+$/);
      const written = /info_hash=([^&]*)/.exec(url)![1];
      const read = written.replaceAll(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      assert.deepEqual(
        Uint8Array.from(read, (c) => c.charCodeAt(0)),
        hash,
      );
    }),
  );
});

test("a udp neighbor is told what the query says, or what is usual", () => {
  const plain = new AnnounceTemplate("udp://n:6969/announce", 77).fill(HASH, IDENTITY);
  const { udp } = plain;
  assert.equal(plain.url, "udp://n:6969/announce");
  const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
  assert.deepEqual(
    { ...udp!, peerId: text(udp!.peerId) },
    {
      infoHash: HASH,
      peerId: IDENTITY.peerId,
      downloaded: 0,
      left: 4_194_304,
      uploaded: 0,
      event: 0,
      key: 77,
      numWant: 200,
      port: 6881,
      ip: 0,
    },
  );
  const query = "?peer_id=%30123456789012345678A&port=6882&left=0&event=started&numwant={numwant}";
  const told = new AnnounceTemplate(`udp://n:6969/announce${query}`, 77).fill(HASH, IDENTITY).udp!;
  assert.deepEqual(
    [text(told.peerId), told.port, told.left, told.event, told.numWant],
    ["0123456789012345678A", 6882, 0, 1, 200],
  );
  const odd = new AnnounceTemplate("udp://n:1?peer_id=x&port=70000&left=-&numwant=-5", 1).fill(
    HASH,
    IDENTITY,
  );
  assert.deepEqual(
    [text(odd.udp!.peerId), odd.udp!.left, odd.udp!.numWant],
    [IDENTITY.peerId, 4_194_304, -1],
  );
});

test("a peer_id that the template names is known", () => {
  assert.equal(literalPeerId(MANUAL), "0123456789012345678A");
  assert.equal(literalPeerId("http://n/?peer_id=%30123456789012345678A"), "0123456789012345678A");
  for (const none of ["{peer_id}", "tooshort", "{info_hash}xxxxxxxxx", ""])
    assert.equal(literalPeerId(`http://n/?peer_id=${none}`), undefined, none);
  assert.equal(literalPeerId("udp://n:6969"), undefined);
});
