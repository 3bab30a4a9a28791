/**
 * Reads what comes from other nodes. Every byte is hostile until it is read: what is not valid is refused and counted,
 * and changes nothing.
 */
import type { Applier } from "./applier.ts";
import {
  Header,
  MAJOR_VERSION,
  MESSAGE_BYTES_MAX,
  parseSubject,
  readHeader,
  type Subject,
} from "./message.ts";
import { OtherNode } from "./other-node.ts";
import { KIND, kindAt, lengthAt, readRecord, readSwarm, SwarmRecord } from "./record.ts";
import { type ClusterSettings, NODES_MAX } from "./settings.ts";
import type { RefusedCounts } from "./status.ts";

/** The most bytes of a message for the status page. */
export const STATUS_BYTES_MAX = 8192;

/** A message whose header is valid. Mutable, reused. */
export class Message {
  readonly header = new Header();
  subject!: Subject;
  node!: OtherNode;
  bytes: Uint8Array = new Uint8Array(0);
  /** When it was sent, by this node's clock. */
  sentMs = 0;
}

/** Reads messages, and knows who has sent them. */
export class Receiver {
  readonly nodes: OtherNode[] = [];
  /** When a message with this node's name came that is not from it; 0: never. */
  sameNameMs = 0;
  readonly refused: RefusedCounts;
  readonly #settings: Pick<ClusterSettings, "name" | "node" | "site" | "sharePrivate">;
  readonly #mark: Uint8Array;
  readonly #applier: Applier;
  readonly #message = new Message();
  readonly #swarm = new SwarmRecord();
  readonly #byName = new Map<string, OtherNode>();

  constructor(
    settings: Pick<ClusterSettings, "name" | "node" | "site" | "sharePrivate">,
    mark: Uint8Array,
    applier: Applier,
  ) {
    this.#settings = settings;
    this.#mark = mark;
    this.#applier = applier;
    this.refused = applier.refused;
  }

  /** Reads the header of a message. @returns undefined if the message is refused. */
  open(subject: string, bytes: Uint8Array, nowMs: number): Message | undefined {
    const parsed = parseSubject(this.#settings.name, subject);
    if (parsed === undefined) return this.#refuse("garbage");
    if (parsed.version !== MAJOR_VERSION) return this.#refuse("version");
    if (parsed.node === this.#settings.node) {
      this.sameNameMs = nowMs;
      return this.#refuse("ownName");
    }
    if (bytes.length > MESSAGE_BYTES_MAX) return this.#refuse("oversized");
    const message = this.#message;
    const reason = readHeader(bytes, this.#mark, message.header);
    if (reason !== undefined) return this.#refuse(reason);
    const node = this.#nodeOf(parsed.node);
    if (node === undefined) return this.#refuse("tooManyNodes");
    if (node.isReplaced(message.header.boot)) return this.#refuse("ownName");
    message.subject = parsed;
    message.node = node;
    message.bytes = bytes;
    message.sentMs = node.hear(message.header, nowMs);
    return message;
  }

  /**
   * Stores the records of a message.
   * @param at where the first of them is.
   * @returns how many were read.
   */
  applyRecords({ header, bytes, node, sentMs }: Message, at: number, nowMs: number): number {
    const applier = this.#applier;
    const { site, sharePrivate } = this.#settings;
    const origin = { node: node.number, sharesPrivate: sharePrivate || header.site === site };
    let next = at;
    for (let count = 0; count < header.count; count++) {
      const length = lengthAt(bytes, next);
      if (length === 0) {
        this.refused.broken++;
        return count;
      }
      const kind = kindAt(bytes, next);
      if (kind === KIND.peer4 || kind === KIND.peer6) {
        readRecord(bytes, next, applier.record);
        if (applier.apply(origin, sentMs - applier.record.ageMs, nowMs)) node.applied++;
      } else if (kind === KIND.swarm) {
        readSwarm(bytes, next, this.#swarm);
        applier.applySwarm(this.#swarm, nowMs);
      } else this.refused.unknownKind++;
      next += length;
    }
    return header.count;
  }

  #nodeOf(name: string): OtherNode | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.nodes.length >= NODES_MAX) return known;
    const node = new OtherNode(name, this.nodes.length + 1);
    this.nodes.push(node);
    this.#byName.set(name, node);
    return node;
  }

  #refuse(reason: keyof RefusedCounts): undefined {
    this.refused[reason]++;
    return undefined;
  }
}
