/** Nodes of different versions. There is one version so far: the next ones are what this one sends, changed on its way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Spoken, TestNetwork, type TestNode } from "../../test/support/cluster-network.ts";
import { readWord, writeWord } from "../model/address.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { parseSubject, read48, write48 } from "./message.ts";

/** Offsets in a header (message.ts). */
const AT = { version: 2, siteLength: 3, first: 18, count: 24, site: 36 };
/** Bytes of a question without ranges, and where its flags and the number of ranges are (question.ts). */
const QUESTION = { bytes: 31, flags: 4, ranges: 9 };
/** The flag that no version has yet, in records and in questions. */
const UNKNOWN_FLAG = 0x80;
const FLAGS_AT = 4;
/** A record of a kind that this version does not know. */
const UNKNOWN_RECORD = Uint8Array.of(9, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
const FURTHER = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);

/**
 * What the next minor version may send: longer records and messages, records and messages of unknown kinds, and unknown
 * flags. After each record there is one of an unknown kind, which has a number as well.
 */
function nextMinor(subject: string, bytes: Uint8Array): readonly Spoken[] {
  const kind = parseSubject("test", subject)?.kind;
  if (kind === undefined || kind === "status") return [{ subject, bytes }];
  const end = AT.site + bytes[AT.siteLength];
  const header = bytes.slice(0, end);
  header[AT.version] = (1 << 4) | 1;
  write48(header, AT.first, 2 * read48(bytes, AT.first));
  writeWord(header, AT.count, 2 * readWord(bytes, AT.count));
  const parts = [header, ...bodyOf(kind, bytes.slice(end))];
  const future = subject.replace(/[a-z]+$/, "future");
  return [
    { subject, bytes: Buffer.concat(parts) },
    { subject: future, bytes: header },
  ];
}

function bodyOf(kind: string, body: Uint8Array): Uint8Array[] {
  if (kind === "records") return recordsOf(body);
  if (kind !== "ask" && kind !== "answer") return [body, FURTHER];
  body[QUESTION.flags] |= UNKNOWN_FLAG;
  const end = QUESTION.bytes + 2 * body[QUESTION.ranges];
  return [body.slice(0, end), ...recordsOf(body.slice(end))];
}

function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const record = bytes.slice(at, at + bytes[at + 1]);
    at += record.length;
    // A record of a swarm has no flags.
    if (record[0] !== 3) record[FLAGS_AT] |= UNKNOWN_FLAG;
    record[1] += FURTHER.length;
    parts.push(record, FURTHER, UNKNOWN_RECORD);
  }
  return parts;
}

/** Another major version has other subjects, and the rest of its messages may be anything. */
function otherMajor(major: number): (subject: string, bytes: Uint8Array) => readonly Spoken[] {
  return (subject, bytes) => {
    const changed = bytes.slice();
    changed[AT.version] = major << 4;
    return [{ subject: subject.replace("btrt1", `btrt${major}`), bytes: changed }];
  };
}

/** Announces, stops and completions at all nodes. */
function live(network: TestNetwork, nodes: readonly TestNode[], turn: number): void {
  for (let i = 0; i < 24; i++) {
    const node = nodes[i % nodes.length];
    const address = i % 5 === 0 ? `2001:db8:11::${i + 1}` : `11.0.0.${i + 1}`;
    const swarm = (i % 3) << 28;
    const fields = { swarm, port: 7000 + i, client: i + 1 };
    if (turn === 1 && i % 4 === 1) node.announce(address, { ...fields, event: ANNOUNCE_EVENT.stopped });
    else if (turn === 1 && i % 4 === 2)
      node.announce(address, { ...fields, event: ANNOUNCE_EVENT.completed, left: 0 });
    else node.announce(address, fields);
    network.run(40);
  }
}

describe("nodes of two versions", () => {
  for (const [name, versions] of [
    ["a newer one joins older ones", [undefined, undefined, nextMinor]],
    ["an older one joins newer ones", [nextMinor, nextMinor, undefined]],
  ] as const)
    test(`end equal when ${name}`, () => {
      const network = new TestNetwork();
      const [first, second, third] = versions;
      const nodes = [first, second].map((speak, i) => network.start(`n${i}`, { ...(speak && { speak }) }));
      network.run(4000);
      live(network, nodes, 0);
      network.run(3000);
      nodes.push(network.start("n2", { ...(third && { speak: third }) }));
      network.run(4000);
      assert.equal(nodes[2].all().length, 24, "it has caught up");
      // What is lost is asked for, in the words of one version, and answered in those of the other.
      let messages = 0;
      network.fate = ({ subject }) => (subject.endsWith("records") && messages++ % 3 === 0 ? [] : [0]);
      live(network, nodes, 1);
      network.fate = () => [0];
      network.run(20_000);
      for (const [i, node] of nodes.entries()) {
        assert.deepEqual(node.all(), nodes[0].all(), node.name);
        for (let swarm = 0; swarm < 3; swarm++)
          assert.deepEqual(node.scrape(swarm << 28), nodes[0].scrape(swarm << 28), node.name);
        const { refused, state, nodes: others } = node.status;
        assert.equal(state, "current");
        assert.deepEqual([refused.version, refused.broken, refused.foreign], [0, 0, 0]);
        const hearsNewer = versions.some((speak, other) => other !== i && speak !== undefined);
        assert.equal(refused.unknownKind > 0, hearsNewer, "what was skipped is counted");
        assert.ok(others.every((other) => other.state === "live"));
        assert.ok(
          others.some(({ fetched }) => fetched > 0),
          "something was missed",
        );
      }
      assert.equal(nodes[0].all().length, 18);
    });

  for (const major of [0, 2])
    test(`refuse and count each other when one has the major version ${major}`, () => {
      const network = new TestNetwork();
      const a = network.start("a");
      const b = network.start("b", { speak: otherMajor(major) });
      network.run(4000);
      b.announce("11.0.0.1");
      network.run(2000);
      assert.deepEqual(a.all(), []);
      assert.deepEqual(a.status.nodes, []);
      assert.ok(a.status.refused.version > 0);
      assert.equal(a.status.sameName, false);
    });
});
