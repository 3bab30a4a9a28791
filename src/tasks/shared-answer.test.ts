import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeShared, encodeShared, SHARED_BYTES_MAX } from "./shared-answer.ts";

const ANSWER = {
  neighbor: "partner's retracker",
  infoHash: Uint32Array.of(1, 2, 3, 4, 0xffffffff),
  complete: true,
  expiresIn: 7200,
  peers: Uint8Array.from({ length: 18 }, (_, i) => i),
  peers6: Uint8Array.from({ length: 36 }, (_, i) => 255 - i),
};

test("what is encoded is read again", () => {
  assert.deepEqual(decodeShared(encodeShared(ANSWER)!), ANSWER);
  const asking = { ...ANSWER, complete: false, peers: new Uint8Array(0), peers6: new Uint8Array(0) };
  assert.deepEqual(decodeShared(encodeShared(asking)!), asking);
});

test("a long name is not encoded, and peers beyond a limit are left out", () => {
  assert.equal(encodeShared({ ...ANSWER, neighbor: "n".repeat(256) }), undefined);
  const bytes = encodeShared({
    ...ANSWER,
    peers: new Uint8Array(6 * 5000),
    peers6: new Uint8Array(18 * 5000),
  });
  assert.ok(bytes!.length <= SHARED_BYTES_MAX);
  assert.equal(decodeShared(bytes!)?.peers.length, 6000);
});

test("bytes that are no answer are refused", () => {
  const bytes = encodeShared(ANSWER)!;
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeShared(bytes.subarray(0, length)), undefined);
  assert.equal(decodeShared(Uint8Array.from([...bytes, 0])), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      const read = decodeShared(any);
      assert.ok(read === undefined || read.peers.length % 6 === 0);
    }),
  );
});
