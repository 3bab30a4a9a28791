import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress } from "../model/address-text.ts";
import { parseReply, printable } from "./announce-reply.ts";
import type { TrackerReply } from "./outcome.ts";

function reply(text: string): TrackerReply {
  const read = parseReply(Buffer.from(text, "latin1"));
  assert.ok(typeof read !== "string", `${text}: ${read}`);
  return read;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("a list of dictionaries becomes compact, by the family of each address", () => {
  const peers = [
    "d2:ip9:192.0.2.77:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881ee",
    "d2:ip11:2001:db8::74:porti6882ee",
    "d2:ip18:::ffff:192.0.2.8  4:porti6883ee".replace("18:::ffff:192.0.2.8  ", "16:::ffff:192.0.2.8"),
  ];
  const nobody = [
    "d2:ip15:tracker.example4:porti6881ee",
    "d2:ip9:192.0.2.74:porti0ee",
    "d2:ip9:192.0.2.74:porti65536ee",
    "d2:ip9:192.0.2.74:port4:6881e",
    "d4:porti6881ee",
    "d2:ipi5e4:porti6881ee",
    "i5e",
    "le",
  ];
  const read = reply(`d5:peersl${[...nobody, ...peers, ...nobody].join("")}ee`);
  assert.equal(hex(read.peers), "c00002071ae1c00002081ae3");
  assert.equal(hex(read.peers6), "20010db80000000000000000000000071ae2");
});

test("compact peers with port 0 are left out, and those beyond the limit", () => {
  const read = reply("d5:peers18:\x01\x02\x03\x04\0\0\x01\x02\x03\x05\x1a\xe1\x01\x02\x03\x06\0\0e");
  assert.equal(hex(read.peers), "010203051ae1");
  const many = Buffer.alloc(6 * 3000, 1).toString("latin1");
  assert.equal(reply(`d5:peers${many.length}:${many}e`).peers.length, 12_000);
  const one = "d2:ip9:192.0.2.74:porti6881ee";
  assert.equal(reply(`d5:peersl${one.repeat(3000)}ee`).peers.length, 12_000);
});

test("peers of both families together", () => {
  const six = Buffer.alloc(18, 1).toString("latin1");
  const read = reply(`d5:peers6:\x01\x02\x03\x04\x1a\xe16:peers618:${six}e`);
  assert.deepEqual([read.peers.length, read.peers6.length], [6, 18]);
});

test("numbers that mean nothing are not there", () => {
  for (const number of ["-1", "2147483648", "99999999999999999999"]) {
    const read = reply(
      `d8:intervali${number}e12:min intervali${number}e8:completei${number}e10:incompletei${number}ee`,
    );
    assert.deepEqual(
      [read.interval, read.minInterval, read.complete, read.incomplete],
      [undefined, undefined, undefined, undefined],
    );
  }
  assert.equal(reply("d8:interval2:30e").interval, undefined);
});

test("retry in is minutes, or never, and only beside a failure reason", () => {
  const retryIn = (value: string) => reply(`d14:failure reason1:x8:retry in${value}e`).retryIn;
  assert.deepEqual(
    ["2:15", "i15e", "5:never", "1:x", "0:", "i-5e", "le", "20:99999999999999999999"].map(retryIn),
    [900, 900, Number.POSITIVE_INFINITY, undefined, undefined, undefined, undefined, undefined],
  );
  assert.equal(reply("d8:intervali1e8:retry ini15ee").retryIn, undefined);
});

test("text cannot forge a line of a log, and is cut off", () => {
  assert.equal(printable(Buffer.from("a\r\nb\x1b[1m\u2028c\u202ed")), "a  b [1m c d");
  assert.equal(printable(Buffer.from("größer \xff", "latin1")), "gr\ufffd\ufffder \ufffd");
  assert.equal(printable(Buffer.alloc(10_000, "x")).length, 512);
  assert.equal(reply("d8:intervali1e15:warning message3:abce").warningMessage, "abc");
});

test("a tracker id is bytes, and no more than 256", () => {
  assert.equal(hex(reply("d8:intervali1e10:tracker id3:\0\xff:e").trackerId!), "00ff3a");
  assert.equal(reply(`d8:intervali1e10:tracker id257:${"x".repeat(257)}e`).trackerId, undefined);
});

test("the end of a line may follow, and nothing else", () => {
  assert.equal(reply("d8:intervali1ee\r\n").interval, 1);
  assert.equal(parseReply(Buffer.from("d8:intervali1eex")), "not bencode");
  assert.equal(parseReply(Buffer.from(`d8:intervali1ee${"\n".repeat(100)}`)), "not bencode");
});

test("has the external address (BEP 24)", () => {
  const seen = (value: string) => {
    const { externalAddress } = reply(`d11:external ip${value}8:intervali1ee`);
    return externalAddress && formatAddress(externalAddress);
  };
  assert.equal(seen("4:\x2e\0\x02\x09"), "46.0.2.9");
  assert.equal(seen("16:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"), "2001:db8::7");
  for (const value of ["0:", "5:\x2e\0\x02\x09\0", "8:46.0.2.9", "i4e", "le"])
    assert.equal(seen(value), undefined, value);
});
