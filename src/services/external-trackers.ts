/** Decides, on the data plane, whether an external tracker is to be asked on a client's behalf, and has it asked. */

import { ANNOUNCE_EVENT, type AnnounceRequest, PEER_ID_WORDS } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import { isForgotten, sourceOf } from "../store/peer-record.ts";
import { AskTimes, type AskTimesData } from "../tasks/ask-times.ts";
import { addUserAgent, writeForwardTask, written } from "../tasks/forward-task.ts";
import { TASK, type TaskWriter } from "../tasks/task-queue.ts";
import type { Clock } from "../tracker/tracker.ts";
import type { Mode } from "../wire/host-rules.ts";
import { AUTHORITY_LIMIT, type TrackerUrl } from "../wire/tracker-url.ts";

/** Random words that keys are made with, the same for all workers. */
export const ASK_SECRET_WORDS = 4;

const ADDRESS_WORDS = 4;
const NAME_WORDS = Math.ceil(AUTHORITY_LIMIT / 4);

/** For one announce after the other. One for each thread. */
export class ExternalTrackers {
  /**
   * Whether what this tracker said of the swarm still holds, if only for want of better, be it that it could not be asked;
   * or what it said to the client, to be left alone.
   */
  isKnown = false;
  /** Whether the tracker would be asked about the swarm again, and for the client. */
  isStale = false;
  isClientDue = false;
  /** Seconds between announces, as the tracker last said; 0 when it has not. */
  interval = 0;
  /** The tracker's number (peer-record.ts) while peers of this swarm that it has named are kept; else 0. */
  source = 0;
  readonly #times: AskTimes;
  readonly #tasks: Pick<TaskWriter, "push">;
  readonly #clock: Clock;
  readonly #placeHash: KeyedHash;
  readonly #tagHash: KeyedHash;
  /** The info-hash and the tracker's name; then, shorter, the swarm's key, the client's address and peer_id. */
  readonly #words = new Uint32Array(INFO_HASH_WORDS + NAME_WORDS);
  readonly #keys = new Int32Array(4);

  /** @param secret {@link ASK_SECRET_WORDS} random words. */
  constructor(times: AskTimesData, tasks: Pick<TaskWriter, "push">, secret: readonly number[], clock: Clock) {
    this.#times = new AskTimes(times);
    this.#tasks = tasks;
    this.#clock = clock;
    this.#placeHash = new KeyedHash(secret[0], secret[1]);
    this.#tagHash = new KeyedHash(secret[2], secret[3]);
  }

  /** Looks up what is known of a swarm and a client at this tracker. */
  look(url: TrackerUrl, request: AnnounceRequest): void {
    const times = this.#times;
    const keys = this.#keys;
    this.#computeKeys(url, request);
    const now = this.#clock.seconds;
    const isFound = times.find(keys[0], keys[1]);
    const isKept = isFound && times.state !== 0 && !isForgotten(times.state, now);
    this.source = isKept ? sourceOf(times.state) : 0;
    // Peers are kept longer (forwarding/reply-facts.ts).
    this.isKnown = isKept || (isFound && now < times.due);
    this.isStale = !isFound || times.due <= now;
    this.interval = isFound ? times.interval : 0;
    this.isClientDue = !times.find(keys[2], keys[3]) || times.due <= now;
    if (this.isClientDue || times.interval > 0) return;
    // It has told this client not to come again before (BEP 31).
    this.isKnown = true;
    this.isStale = false;
  }

  /**
   * Whether the tracker has to be asked, as an announce that it misses would be missed in its accounts, or because we
   * have too few peers.
   */
  mustAsk({ event }: AnnounceRequest, lacksPeers: boolean): boolean {
    const isNews = event !== ANNOUNCE_EVENT.none && event !== ANNOUNCE_EVENT.paused;
    return isNews || this.isClientDue || (lacksPeers && this.isStale);
  }

  /**
   * Has the tracker asked, after {@link look} at the same announce.
   * @param token the connection that waits for it, or 0.
   * @param input holds the client's User-Agent at `[agentStart, agentEnd)`.
   * @returns whether there was room for it.
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
    writeForwardTask(url, request, mode, this.#keys);
    addUserAgent(input, agentStart, agentEnd);
    return this.#tasks.push(TASK.forward, token, written.bytes, 0, written.length);
  }

  #computeKeys({ bytes, authorityStart, authorityEnd }: TrackerUrl, request: AnnounceRequest): void {
    const words = this.#words;
    const keys = this.#keys;
    const nameWords = Math.ceil((authorityEnd - authorityStart) / 4);
    for (let i = 0; i < INFO_HASH_WORDS; i++) words[i] = request.infoHash[i];
    for (let i = 0; i < nameWords; i++) words[INFO_HASH_WORDS + i] = 0;
    for (let i = authorityStart; i < authorityEnd; i++) {
      const at = i - authorityStart;
      // In lower case: digits, dots, hyphens and colons have this bit already.
      words[INFO_HASH_WORDS + (at >> 2)] |= (bytes[i] | 0x20) << ((at & 3) * 8);
    }
    this.#hash(INFO_HASH_WORDS + nameWords, authorityEnd - authorityStart, 0);
    words[0] = keys[0];
    words[1] = keys[1];
    for (let i = 0; i < ADDRESS_WORDS; i++) words[2 + i] = request.address.words[i];
    // Behind one address, and with the same port, there may be several whom a tracker keeps accounts of.
    for (let i = 0; i < PEER_ID_WORDS; i++) words[2 + ADDRESS_WORDS + i] = request.peerId[i];
    this.#hash(2 + ADDRESS_WORDS + PEER_ID_WORDS, request.port, 2);
  }

  #hash(count: number, last: number, at: number): void {
    this.#keys[at] = this.#placeHash.hash(this.#words, 0, count, last);
    this.#keys[at + 1] = this.#tagHash.hash(this.#words, 0, count, last);
  }
}
