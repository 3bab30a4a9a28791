import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readBeat, writeBeat } from "./beat.ts";
import { HEADER_BYTES_MAX, Header, parseSubject, readHeader, subjectOf, writeHeader } from "./message.ts";
import { Question, readQuestion, writeQuestion } from "./question.ts";
import {
  lengthAt,
  PeerRecord,
  RECORD_BYTES,
  readRecord,
  readSwarm,
  SwarmRecord,
  writeRecord,
  writeSwarm,
} from "./record.ts";

const word = fc.nat({ max: 0xffffffff });
const MARK = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

test("a record that is written is read again", () => {
  const record = fc.record({
    infoHash: fc.array(word, { minLength: 5, maxLength: 5 }),
    address: fc.oneof(fc.tuple(word), fc.tuple(fc.constant(0x20010db8), word, word, word)),
    port: fc.nat({ max: 0xffff }),
    flags: fc.nat({ max: 0xff }),
    age: fc.nat({ max: 0xffffff }),
    left: fc.nat({ max: 0x7ff }),
    client: word,
    sums: fc.tuple(word, word),
  });
  fc.assert(
    fc.property(record, (given) => {
      const out = new Uint8Array(100);
      const written = new PeerRecord();
      written.infoHash.set(given.infoHash);
      const [w0, w1 = 0, w2 = 0, w3 = 0] = given.address;
      if (given.address.length === 1) written.address.setIPv4(w0);
      else written.address.setIPv6(w0, w1, w2, w3);
      Object.assign(written, { port: given.port, flags: given.flags, left: given.left });
      written.ageMs = given.age * 4;
      written.client = given.client | 0;
      written.sums.set(given.sums);
      const end = writeRecord(written, out, 7);
      assert.equal(end, 7 + (given.address.length === 1 ? 46 : 58));
      assert.equal(lengthAt(out.subarray(0, end), 7), end - 7);
      assert.equal(lengthAt(out.subarray(0, end - 1), 7), 0, "cut off");
      const read = new PeerRecord();
      readRecord(out, 7, read);
      assert.deepEqual(read, written);
    }),
  );
});

test("a record of an unknown kind has its length, and one of a known kind may be longer", () => {
  assert.equal(lengthAt(Uint8Array.of(99, 5, 1, 1, 1, 0), 0), 5);
  assert.equal(lengthAt(Uint8Array.of(99, 7, 1, 1, 1, 0), 0), 0);
  assert.equal(lengthAt(Uint8Array.of(99, 1, 1), 0), 0, "no room for kind and length");
  const longer = new Uint8Array(60);
  longer[0] = 1;
  longer[1] = 50;
  assert.equal(lengthAt(longer, 0), 50);
  longer[1] = 45;
  assert.equal(lengthAt(longer, 0), 0);
});

test("a swarm, a heartbeat and a question are read as they were written", () => {
  const out = new Uint8Array(300);
  const swarm = new SwarmRecord();
  swarm.infoHash.set([1, 2, 3, 4, 5]);
  swarm.downloaded = 77;
  swarm.ageSeconds = 12;
  assert.equal(writeSwarm(swarm, out, 3), 3 + RECORD_BYTES[3]);
  const again = new SwarmRecord();
  readSwarm(out, 3, again);
  assert.deepEqual(again, swarm);

  const beat = { isReady: true, digestRound: 5, peers: 6, swarms: 7, version: "0.1.0" };
  const end = writeBeat(beat, out, 9);
  assert.deepEqual(readBeat(out.subarray(0, end), 9), beat);
  assert.equal(readBeat(out.subarray(0, end - 1), 9), undefined);

  const question = new Question();
  Object.assign(question, { id: 9, flags: 1, ageMs: 1234, ranges: [1, 4095], event: 2 ** 33 });
  Object.assign(question.cursor, { shard: 3, swarm: 4, word: 5, family: 6, left: 7 });
  const stop = writeQuestion(question, out, 2);
  const read = new Question();
  assert.equal(readQuestion(out.subarray(0, stop), 2, read), stop);
  assert.deepEqual(read, question);
  assert.equal(readQuestion(out.subarray(0, stop - 1), 2, read), 0);
});

test("a header is read as it was written, and is refused with a reason", () => {
  const header = new Header();
  Object.assign(header, {
    boot: 2 ** 41 + 5,
    first: 2 ** 40 + 3,
    count: 1000,
    time: 1.5e12 + 0.25,
    site: "east-1",
  });
  const out = new Uint8Array(HEADER_BYTES_MAX);
  header.end = writeHeader(header, MARK, out);
  const read = new Header();
  assert.equal(readHeader(out, MARK, read), undefined);
  assert.deepEqual(read, header);
  assert.equal(readHeader(out.subarray(0, 20), MARK, read), "garbage");
  assert.equal(readHeader(out, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9), read), "foreign");
  out[2] = 0x20;
  assert.equal(readHeader(out, MARK, read), "version");
  out[0] = 0;
  assert.equal(readHeader(out, MARK, read), "garbage");
});

test("subjects name cluster, node, kind, and for whom a message is", () => {
  assert.deepEqual(parseSubject("c", subjectOf("c", "n1", "ask", "n2")), {
    version: 1,
    node: "n1",
    kind: "ask",
    other: "n2",
  });
  for (const subject of [
    "",
    "btrt1.c.n1",
    "btrt1.d.n1.beat",
    "btrt1.c.n1.beat.n2",
    "btrt1.c.n1.ask",
    "btrt1.c.N1.beat",
    "btrtx.c.n1.beat",
    "btrt1.c.n1.other",
    "btrt1.c.n1.ask.n2.x",
  ])
    assert.equal(parseSubject("c", subject), undefined, subject);
});
