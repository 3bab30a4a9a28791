/** Decides, on the data plane, whether an upstream tracker has to be asked for a client, and queues the task. */
import { writeWord } from "../model/address.ts";
import { ANNOUNCE_EVENT, type AnnounceRequest, PEER_ID_WORDS } from "../model/announce.ts";
import { INFO_HASH_BYTES, INFO_HASH_WORDS } from "../model/info-hash.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import { isForgotten, sourceOf } from "../store/layout/peer.ts";
import { AskTimes, type AskTimesData } from "../tasks/ask-times.ts";
import { ForwardTaskBytes } from "../tasks/forward-task.ts";
import { TASK, type TaskWriter } from "../tasks/task-queue.ts";
import type { Clock } from "../tracker/tracker-options.ts";
import type { Mode } from "../wire/host-rules.ts";
import { AUTHORITY_LIMIT, type TrackerUrl } from "../wire/tracker-url.ts";

/** Random words that the keys are made with, the same for all workers. */
export const ASK_SECRET_WORDS = 4;

const ADDRESS_WORDS = 4;
const NAME_WORDS = Math.ceil(AUTHORITY_LIMIT / 4);

/** What is known of the upstream tracker of the present announce. One for each worker, reused for every announce. */
export class UpstreamTrackers {
  /**
   * Whether the client can be answered without asking: the tracker's last reply about the swarm is still valid, or the
   * tracker could not be asked and is backing off, or it told the client when to come back.
   */
  isKnown = false;
  /** Whether the tracker is due to be asked about the swarm again, and on behalf of the client. */
  isStale = false;
  isClientDue = false;
  /** Seconds between announces, from the tracker's last reply; 0 if unknown. */
  interval = 0;
  /** The tracker's number (store/layout/peer.ts) if the store has learned peers of this swarm from it; else 0. */
  source = 0;
  readonly #times: AskTimes;
  readonly #tasks: Pick<TaskWriter, "push">;
  readonly #clock: Clock;
  readonly #placeHash: KeyedHash;
  readonly #tagHash: KeyedHash;
  /** Input of the hashes: info-hash and tracker name; then the swarm's key with the client's address and peer_id. */
  readonly #words = new Uint32Array(INFO_HASH_WORDS + NAME_WORDS);
  readonly #task = new ForwardTaskBytes();
  readonly #infoHash = new Uint8Array(INFO_HASH_BYTES);
  readonly #keys = new Int32Array(4);

  /** @param secret {@link ASK_SECRET_WORDS} random words. */
  constructor(times: AskTimesData, tasks: Pick<TaskWriter, "push">, secret: readonly number[], clock: Clock) {
    this.#times = new AskTimes(times);
    this.#tasks = tasks;
    this.#clock = clock;
    this.#placeHash = new KeyedHash(secret[0], secret[1]);
    this.#tagHash = new KeyedHash(secret[2], secret[3]);
  }

  /** Looks up the state of a swarm and a client at this tracker. */
  lookUp(url: TrackerUrl, request: AnnounceRequest): void {
    const times = this.#times;
    const keys = this.#keys;
    this.#computeKeys(url, request);
    const now = this.#clock.seconds;
    const isFound = times.find(keys[0], keys[1]);
    const isKept = isFound && times.state !== 0 && !isForgotten(times.state, now);
    this.source = isKept ? sourceOf(times.state) : 0;
    // Learned peers are kept for longer than the interval (forwarding/reply-facts.ts).
    this.isKnown = isKept || (isFound && now < times.due);
    this.isStale = !isFound || times.due <= now;
    this.interval = isFound ? times.interval : 0;
    this.isClientDue = !times.find(keys[2], keys[3]) || times.due <= now;
    if (this.isClientDue || times.interval > 0) return;
    // The tracker's last reply had a "retry in" for this client (BEP 31).
    this.isKnown = true;
    this.isStale = false;
  }

  /**
   * Whether the tracker has to be asked: for its accounting, or because too few peers are known.
   */
  mustAsk({ event }: AnnounceRequest, lacksPeers: boolean): boolean {
    const isNews = event !== ANNOUNCE_EVENT.none && event !== ANNOUNCE_EVENT.paused;
    return isNews || this.isClientDue || (lacksPeers && this.isStale);
  }

  /**
   * Queues a task to ask the tracker. {@link lookUp} was called for the same announce.
   * @param token of the deferred request that waits for the reply, or 0.
   * @param input has the client's User-Agent at `[agentStart, agentEnd)`.
   * @returns false if the queue is full.
   */
  ask(
    token: number,
    mode: Mode,
    url: TrackerUrl,
    request: AnnounceRequest,
    input: Uint8Array,
    agentStart: number,
    agentEnd: number,
  ): boolean {
    const task = this.#task;
    task.write(url, request, mode, this.#keys);
    task.addUserAgent(input, agentStart, agentEnd);
    return this.#tasks.push(TASK.forward, token, task.bytes, 0, task.length);
  }

  /** Has the gate leave the torrent of an announce alone, which is for a tracker that is ignored. */
  noteIgnored({ infoHash }: AnnounceRequest): void {
    for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(this.#infoHash, 4 * i, infoHash[i]);
    this.#tasks.push(TASK.ungate, 0, this.#infoHash, 0, INFO_HASH_BYTES);
  }

  #computeKeys({ bytes, authorityStart, authorityEnd }: TrackerUrl, request: AnnounceRequest): void {
    const words = this.#words;
    const keys = this.#keys;
    const nameWords = Math.ceil((authorityEnd - authorityStart) / 4);
    for (let i = 0; i < INFO_HASH_WORDS; i++) words[i] = request.infoHash[i];
    for (let i = 0; i < nameWords; i++) words[INFO_HASH_WORDS + i] = 0;
    for (let i = authorityStart; i < authorityEnd; i++) {
      const at = i - authorityStart;
      // Converts to lower case; digits, dots, hyphens and colons have this bit set already.
      words[INFO_HASH_WORDS + (at >> 2)] |= (bytes[i] | 0x20) << ((at & 3) * 8);
    }
    this.#hash(INFO_HASH_WORDS + nameWords, authorityEnd - authorityStart, 0);
    words[0] = keys[0];
    words[1] = keys[1];
    for (let i = 0; i < ADDRESS_WORDS; i++) words[2 + i] = request.address.words[i];
    // Several clients with separate accounts may share an address and a port.
    for (let i = 0; i < PEER_ID_WORDS; i++) words[2 + ADDRESS_WORDS + i] = request.peerId[i];
    this.#hash(2 + ADDRESS_WORDS + PEER_ID_WORDS, request.port, 2);
  }

  #hash(count: number, last: number, at: number): void {
    this.#keys[at] = this.#placeHash.hash(this.#words, 0, count, last);
    this.#keys[at + 1] = this.#tagHash.hash(this.#words, 0, count, last);
  }
}
