/** Messages between nodes as the next minor version of the program may send them (src/cluster/message.ts). */
import { parseSubject, read48, write48 } from "../../../src/cluster/message.ts";
import { readWord, writeWord } from "../../../src/model/address.ts";

/** A message and its subject. */
export interface Spoken {
  readonly subject: string;
  readonly bytes: Uint8Array;
}

/** Offsets in a header (message.ts). */
export const HEADER_AT = { version: 2, siteLength: 3, first: 18, count: 24, site: 36 } as const;
/** Bytes of a question without ranges, and where its flags and the number of ranges are (question.ts). */
const QUESTION = { bytes: 31, flags: 4, ranges: 9 };
/** The flag that no version has yet, in records and in questions. */
const UNKNOWN_FLAG = 0x80;
const FLAGS_AT = 4;
const KIND_SWARM = 3;
/** A record of a kind that this version does not know. */
const UNKNOWN_RECORD = Uint8Array.of(9, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
/** A field that this version does not know. */
const FURTHER = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);

/**
 * What the next minor version may send in place of a message of this one: longer records and messages, records and messages
 * of unknown kinds, and unknown flags. After each record there is one of an unknown kind, which has a number as well.
 */
export function nextMinor(cluster: string, subject: string, bytes: Uint8Array): readonly Spoken[] {
  const kind = parseSubject(cluster, subject)?.kind;
  if (kind === undefined || kind === "status") return [{ subject, bytes }];
  const end = HEADER_AT.site + bytes[HEADER_AT.siteLength];
  const header = bytes.slice(0, end);
  header[HEADER_AT.version]++;
  write48(header, HEADER_AT.first, 2 * read48(bytes, HEADER_AT.first));
  writeWord(header, HEADER_AT.count, 2 * readWord(bytes, HEADER_AT.count));
  const parts = [header, ...bodyOf(kind, bytes.slice(end))];
  const future = subject.replace(`.${kind}`, ".future");
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
    if (record[0] !== KIND_SWARM) record[FLAGS_AT] |= UNKNOWN_FLAG;
    record[1] += FURTHER.length;
    parts.push(record, FURTHER, UNKNOWN_RECORD);
  }
  return parts;
}
