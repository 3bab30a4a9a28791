/** Makes this node's digest when all nodes do, compares it with those of others, and has what differs fetched again. */
import { readWord, writeWord } from "../model/address.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { type CatchUp, EVERYTHING } from "./catch-up.ts";
import { DIGEST_BYTES, Digest } from "./digest.ts";
import type { OtherNode } from "./other-node.ts";
import { ASKED_RANGES_MAX } from "./question.ts";
import type { Message } from "./receiver.ts";
import type { ClusterStatus } from "./status.ts";

const ROUND_MS = 60_000;
const ROUND_BYTES = 4;

/** The digests of the cluster. */
export class Digests {
  /** Peers without an announce for so many seconds are left out: they are about to expire, here or there. */
  expirySeconds: number;
  readonly #self: string;
  readonly #digest: Digest;
  readonly #catchUp: CatchUp;
  readonly #roundMs: number;
  #rounds = 0;
  #refetched = 0;

  /** @param self the name of this node. */
  constructor(
    self: string,
    store: SwarmStore,
    hash: KeyedHash,
    catchUp: CatchUp,
    {
      expirySeconds,
      roundMs = ROUND_MS,
    }: { readonly expirySeconds: number; readonly roundMs?: number | undefined },
  ) {
    this.#self = self;
    this.#digest = new Digest(store, hash);
    this.#catchUp = catchUp;
    this.expirySeconds = expirySeconds;
    this.#roundMs = roundMs;
  }

  /** The round that this node says, if it is the first of the nodes that have caught up, by name; else 0. */
  round(others: readonly OtherNode[], isReady: boolean, nowMs: number): number {
    return isReady && this.#leader(others, nowMs) === undefined ? Math.floor(nowMs / this.#roundMs) >>> 0 : 0;
  }

  /** Makes a part of the digest. @returns whether it is ready to be published. */
  tick(others: readonly OtherNode[], isReady: boolean, nowMs: number): boolean {
    const digest = this.#digest;
    if (digest.isDone) {
      const leader = this.#leader(others, nowMs);
      const round = leader?.digestRound ?? this.round(others, isReady, nowMs);
      if (round === 0 || round === digest.round || !isReady || !this.#catchUp.isDone(nowMs)) return false;
      digest.begin(round, Math.floor(nowMs / 1000), this.expirySeconds);
    }
    if (!digest.step()) return false;
    this.#rounds++;
    for (const node of others) this.#compare(node);
    return true;
  }

  /** Takes the digest of another node. @returns whether it is valid. */
  take({ node, bytes, header }: Message): boolean {
    const at = header.end;
    if (bytes.length < at + ROUND_BYTES + DIGEST_BYTES) return false;
    node.digest = { round: readWord(bytes, at), bytes, at: at + ROUND_BYTES };
    if (this.#digest.isDone) this.#compare(node);
    return true;
  }

  /** The bytes of a digest behind the header. */
  readonly bytes = ROUND_BYTES + DIGEST_BYTES;

  /** Writes the digest. @returns the offset after it. */
  write(out: Uint8Array, at: number): number {
    writeWord(out, at, this.#digest.round);
    return this.#digest.write(out, at + ROUND_BYTES);
  }

  status(nodes: readonly OtherNode[]): ClusterStatus["digest"] {
    const differing = Math.max(0, ...nodes.map(({ differences }) => differences.differing));
    return { rounds: this.#rounds, differing, refetched: this.#refetched };
  }

  #compare(node: OtherNode): void {
    const theirs = node.digest;
    if (theirs === undefined || theirs.round !== this.#digest.round) return;
    node.digest = undefined;
    const ranges = node.differences.compare(this.#digest, theirs.bytes, theirs.at, ASKED_RANGES_MAX);
    if (ranges.length === 0) return;
    this.#refetched += ranges.length;
    this.#catchUp.request(node, { sinceMs: EVERYTHING, foreignToo: true, ranges, isUncounted: true });
  }

  /** The first other node by name that has caught up, if its name is before this node's. */
  #leader(others: readonly OtherNode[], nowMs: number): OtherNode | undefined {
    let first: OtherNode | undefined;
    for (const node of others)
      if (node.isReady && !node.isSilent(nowMs) && node.name < (first?.name ?? this.#self)) first = node;
    return first;
  }
}
