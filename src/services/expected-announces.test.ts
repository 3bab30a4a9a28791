import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { VIEWED_BYTES } from "../wire/words.ts";
import { ExpectedAnnounces } from "./expected-announces.ts";

const BATCH_MAX = 64;
const STRIDE = 512;

const input = Buffer.alloc(VIEWED_BYTES);
let expected: ExpectedAnnounces;

function queryOf(number: number): string {
  const hash = Array.from(
    { length: 20 },
    (_, i) => `%${((number + i) & 0xff).toString(16).padStart(2, "0")}`,
  );
  return `info_hash=${hash.join("")}&peer_id=-TR4060-${String(number).padStart(12, "0")}&port=${1000 + number}&left=7`;
}

/** Writes a request at its place in the input, and expects it. @returns whether it was decoded. */
function add(number: number, text = `GET /announce?${queryOf(number)} HTTP/1.1\r\n\r\n`): boolean {
  const start = number * STRIDE;
  input.write(text, start, "latin1");
  return expected.add(input, start, start + text.length) !== undefined;
}

function take(number: number, from: Uint8Array = input): AnnounceQuery | undefined {
  const start = number * STRIDE + "GET /announce?".length;
  return expected.take(from, start, start + queryOf(number).length);
}

beforeEach(() => {
  expected = new ExpectedAnnounces();
  expected.begin();
});

describe("announces that are expected", () => {
  test("are decoded as they would be later", () => {
    for (let number = 0; number < 3; number++) assert.ok(add(number));
    for (let number = 0; number < 3; number++) {
      const query = new AnnounceQuery();
      const bytes = Buffer.from(queryOf(number));
      query.decode(bytes, 0, bytes.length);
      assert.deepEqual(take(number)?.request, query.request);
    }
  });

  test("are returned once", () => {
    add(0);
    assert.ok(take(0));
    assert.equal(take(0), undefined);
  });

  test("may be passed over, and are dropped then", () => {
    for (let number = 0; number < 3; number++) add(number);
    assert.ok(take(2));
    assert.equal(take(1), undefined);
  });

  test("are dropped when the next batch begins", () => {
    add(0);
    expected.begin();
    assert.equal(take(0), undefined);
  });

  test("are those of one input", () => {
    const other = Buffer.alloc(VIEWED_BYTES);
    add(0);
    assert.equal(take(0, other), undefined);
    input.copy(other, STRIDE, 0, STRIDE);
    assert.equal(expected.add(other, STRIDE, 2 * STRIDE), undefined);
  });

  test("end where the query ends", () => {
    add(0);
    const start = "GET /announce?".length;
    assert.equal(expected.take(input, start, start + queryOf(0).length - 1), undefined);
  });

  test("are no more than a batch has room for", () => {
    for (let number = 0; number < BATCH_MAX; number++) assert.ok(add(number));
    assert.equal(add(BATCH_MAX), false);
    for (let number = 0; number < BATCH_MAX; number++) assert.ok(take(number));
  });

  for (const [what, text] of [
    ["another path", `GET /announce.php?${queryOf(0)} HTTP/1.1\r\n\r\n`],
    ["another key first", "GET /announce?port=1&info_hash=aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n"],
    ["an invalid query", "GET /announce?info_hash=a&port=1 HTTP/1.1\r\n\r\n"],
    ["a part of the beginning", "GET /announce?info_h"],
  ]) {
    test(`with ${what} are not decoded`, () => {
      assert.equal(add(0, text), false);
      assert.equal(take(0), undefined);
    });
  }

  test("in a small buffer are not decoded", () => {
    const small = Buffer.from(`GET /announce?${queryOf(0)} HTTP/1.1\r\n\r\n`);
    assert.equal(expected.add(small, 0, small.length), undefined);
  });
});
