/**
 * Messages between nodes. The subject names cluster, node and kind; the server vouches for the node, since its key may
 * publish only subjects of its own name.
 *
 *     btrt1.CLUSTER.NODE.records           changes, numbered
 *     btrt1.CLUSTER.NODE.beat              a heartbeat: the header, what the node has
 *     btrt1.CLUSTER.NODE.digest            counts and sums of its ranges (digest.ts)
 *     btrt1.CLUSTER.NODE.status            for the status page of other nodes
 *     btrt1.CLUSTER.NODE.neighbor          what a neighbor is asked, or has answered (tasks/shared-answer.ts)
 *     btrt1.CLUSTER.NODE.ask.OTHER         a question to another node
 *     btrt1.CLUSTER.NODE.answer.OTHER      the answer
 *
 * The number after `btrt` is the major version. Nodes of another one are heard only by their heartbeats. Every message but `status` begins with a header, numbers big-endian:
 *
 *     "BT"  major version:4  minor version:4  site length:8  mark:64  boot:48  first sequence:48  count:32  time:64 (ms, a double)  site
 *
 * `boot` differs for every start of a node. `first sequence` is the number of the message's first record; in a heartbeat,
 * of the next one that will be sent. Bytes are hostile until they are read.
 */
import { readWord, writeWord } from "../model/address.ts";
import { MARK_BYTES } from "./secrets.ts";

/** The major version: part of subjects. */
export const MAJOR_VERSION = 1;
/** The minor version: what is added can be skipped by older nodes. */
const MINOR_VERSION = 0;

/** The kinds of messages. */
export const MESSAGE_KINDS = ["records", "beat", "digest", "status", "neighbor", "ask", "answer"] as const;
/** One of {@link MESSAGE_KINDS}. */
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** What a name of a cluster, a node or a site may be. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

const MAGIC = [0x42, 0x54] as const;
const AT = {
  version: 2,
  siteLength: 3,
  mark: 4,
  boot: 12,
  first: 18,
  count: 24,
  time: 28,
  site: 36,
} as const;
/** The most bytes of a header. */
export const HEADER_BYTES_MAX = AT.site + 32;

/** The most bytes of a message. Servers refuse more than 1 MiB unless they are told otherwise. */
export const MESSAGE_BYTES_MAX = 1_000_000;

/** A header. Mutable, reused. */
export class Header {
  boot = 0;
  first = 0;
  count = 0;
  /** Milliseconds by the clock of the sender. */
  time = 0;
  site = "";
  /** Where the rest of the message begins. */
  end = 0;
}

/** The bytes that a header takes. */
export function headerBytes({ site }: Header): number {
  return AT.site + site.length;
}

/** Writes a header. @returns the offset after it. */
export function writeHeader(header: Header, mark: Uint8Array, out: Uint8Array): number {
  const { site } = header;
  out[0] = MAGIC[0];
  out[1] = MAGIC[1];
  out[AT.version] = (MAJOR_VERSION << 4) | MINOR_VERSION;
  out[AT.siteLength] = site.length;
  out.set(mark, AT.mark);
  write48(out, AT.boot, header.boot);
  write48(out, AT.first, header.first);
  writeWord(out, AT.count, header.count);
  new DataView(out.buffer, out.byteOffset).setFloat64(AT.time, header.time);
  for (let i = 0; i < site.length; i++) out[AT.site + i] = site.charCodeAt(i);
  return headerBytes(header);
}

/**
 * Reads a header.
 * @returns undefined, or why it is refused.
 */
export function readHeader(
  bytes: Uint8Array,
  mark: Uint8Array,
  out: Header,
): "garbage" | "version" | "foreign" | undefined {
  if (bytes.length < AT.site || bytes[0] !== MAGIC[0] || bytes[1] !== MAGIC[1]) return "garbage";
  if (bytes[AT.version] >>> 4 !== MAJOR_VERSION) return "version";
  for (let i = 0; i < MARK_BYTES; i++) if (bytes[AT.mark + i] !== mark[i]) return "foreign";
  const end = AT.site + bytes[AT.siteLength];
  if (end > bytes.length) return "garbage";
  out.site = String.fromCharCode(...bytes.subarray(AT.site, end));
  out.boot = read48(bytes, AT.boot);
  out.first = read48(bytes, AT.first);
  out.count = readWord(bytes, AT.count);
  out.time = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(AT.time);
  out.end = end;
  return NAME.test(out.site) && Number.isFinite(out.time) ? undefined : "garbage";
}

/** The subject of a message. */
export function subjectOf(cluster: string, node: string, kind: MessageKind, other?: string): string {
  const subject = `btrt${MAJOR_VERSION}.${cluster}.${node}.${kind}`;
  return other === undefined ? subject : `${subject}.${other}`;
}

/** The subject of the heartbeats of all nodes, also of those with another major version. */
export function beatsOf(cluster: string): string {
  return `*.${cluster}.*.beat`;
}

/** A subject in its parts. */
export interface Subject {
  readonly version: number;
  readonly node: string;
  readonly kind: MessageKind;
  /** For whom it is, if it is for one node. */
  readonly other: string | undefined;
}

/** Reads a subject of a cluster. @returns undefined if it is none. */
export function parseSubject(cluster: string, subject: string): Subject | undefined {
  const [head, name, node, kind, other, ...rest] = subject.split(".");
  const version = /^btrt(\d{1,4})$/.exec(head)?.[1];
  const known = MESSAGE_KINDS.find((each) => each === kind);
  if (version === undefined || name !== cluster || known === undefined || rest.length > 0) return undefined;
  if (!NAME.test(node) || (other !== undefined && !NAME.test(other))) return undefined;
  if ((known === "ask" || known === "answer") !== (other !== undefined)) return undefined;
  return { version: Number(version), node, kind: known, other };
}

/** Writes a number below 2^48. */
export function write48(out: Uint8Array, at: number, value: number): void {
  writeWord(out, at, Math.floor(value / 0x10000));
  out[at + 4] = (value % 0x10000) >>> 8;
  out[at + 5] = value % 0x100;
}

/** Reads a number of 48 bits. */
export function read48(bytes: Uint8Array, at: number): number {
  return readWord(bytes, at) * 0x10000 + ((bytes[at + 4] << 8) | bytes[at + 5]);
}
