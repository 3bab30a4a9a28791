import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Address } from "../model/address.ts";
import { parseAddress } from "../model/address-text.ts";
import { ConnectionIds } from "./connection-ids.ts";

const SECRET = [11, 12, 13, 14, 15, 16, 17, 18];
const HERE = parseAddress("192.0.2.1");

function idsAt(seconds: number, secret = SECRET): ConnectionIds {
  return new ConnectionIds(secret, { seconds });
}

/** Whether an id given at one time is accepted at another, by another worker. */
function isAccepted(given: number, asked: number, from = HERE, by = HERE, secret = SECRET): boolean {
  const ids = idsAt(given);
  ids.make(from);
  return idsAt(asked, secret).accepts(by, ids.high, ids.low);
}

describe("connection ids", () => {
  it("are good for two minutes at least, and three at most", () => {
    const time = fc.integer({ min: 200, max: 4_000_000_000 });
    fc.assert(
      fc.property(time, fc.nat(120), (given, age) => {
        assert.ok(isAccepted(given, given + age));
        assert.ok(isAccepted(given, given - (age % 60)), "another worker's clock may be behind");
        assert.ok(!isAccepted(given, given + 180 + age));
        assert.ok(!isAccepted(given, given + 180 + age * 1000));
        assert.ok(!isAccepted(given, given - 120 - (age % 60)), "the future is not foreseen");
      }),
    );
  });

  it("are good for the address they were given to, and no other", () => {
    const address = fc.oneof(
      fc.constantFrom("192.0.2.1", "192.0.2.2", "::192.0.2.1", "c000:201::", "0.0.0.0", "::", "2001:db8::1"),
      fc.ipV4(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(address, address, (one, other) => {
        const [from, by] = [parseAddress(one), parseAddress(other)];
        assert.equal(isAccepted(1000, 1000, from, by), from.equals(by));
      }),
    );
  });

  it("are good only where every word of the secret is the same", () => {
    for (let i = 0; i < SECRET.length; i++) {
      assert.ok(!isAccepted(1000, 1000, HERE, HERE, SECRET.with(i, 99)), `word ${i}`);
    }
  });

  it("must be right to the last bit", () => {
    const ids = idsAt(1000);
    ids.make(HERE);
    const { high, low } = ids;
    for (let bit = 0; bit < 32; bit++) {
      assert.ok(!ids.accepts(HERE, (high ^ (1 << bit)) >>> 0, low));
      assert.ok(!ids.accepts(HERE, high, (low ^ (1 << bit)) >>> 0));
    }
    assert.ok(ids.accepts(HERE, high, low));
  });

  it("differ from address to address, in both halves", () => {
    const ids = idsAt(1000);
    const seen = new Set<number>();
    const address = new Address();
    for (let i = 0; i < 1000; i++) {
      address.setIPv4(0x0a000000 + i);
      ids.make(address);
      seen.add(ids.high).add(ids.low);
    }
    assert.ok(seen.size > 1990, `${seen.size} of 2000 words differ`);
  });
});
