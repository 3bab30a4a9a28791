/**
 * Sends the control plane the swarms that the gate (gate/) has to judge again, because a role may have changed. A known
 * peer whose download makes progress causes no task. Nor does the only download of a client if it is refused already and
 * leaves: the others' roles stay as they are, and a round finds that it has left.
 */
import type { Address } from "../model/address.ts";
import type { AnnounceRequest } from "../model/announce.ts";
import { INFO_HASH_BYTES } from "../model/info-hash.ts";
import { mayBeGated } from "../selection/gate-candidates.ts";
import type { Requester } from "../selection/requester.ts";
import { leftOf } from "../store/layout/peer.ts";
import { becomesIdle } from "../store/peer-record.ts";
import type { PeerUpdate, PutOutcome } from "../store/peer-update.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { ARRIVAL_BYTES, writeArrival, writeGateTask } from "../tasks/gate-task.ts";
import { TASK, type TaskWriter } from "../tasks/task-queue.ts";

/** Queues the notices of one worker. */
export class GateNotices {
  readonly #store: SwarmStore;
  readonly #tasks: Pick<TaskWriter, "push">;
  readonly #task = new Uint8Array(ARRIVAL_BYTES);
  /** Of the announce under way: its record is new or has another key, its download got nothing; and its mark so far. */
  #changed = false;
  #marked = false;
  /** Whether it is new as an incomplete peer, and under one address only; the key of its record. */
  #isArrival = false;
  #key = 0;

  constructor(store: SwarmStore, tasks: Pick<TaskWriter, "push">) {
    this.#store = store;
    this.#tasks = tasks;
  }

  /** The record of a peer was stored, and it is not answered yet. A client without progress causes two tasks, not one for every announce. */
  stored(outcome: PutOutcome, { left, key, now, stallSeconds }: PeerUpdate): void {
    const { before, changed, marked, duplicate, other } = outcome;
    this.#changed =
      changed || (before !== 0 && left >= leftOf(before) && becomesIdle(before, now, stallSeconds));
    this.#marked = marked;
    this.#isArrival = changed && before === 0 && left !== 0 && !duplicate && other === -1;
    this.#key = key;
  }

  /** The peer was answered: its mark is the present one. The shard of its swarm is locked. @param groups by id: 1 where the gate is on. */
  answered(groups: Uint8Array, entry: number, request: AnnounceRequest, who: Requester): void {
    if (groups[who.group] === 0 || !(this.#changed || this.#marked !== who.marked)) return;
    // A client that has just completed was a downloader until now.
    if (!mayBeGated(this.#store, entry, who.left === 0 ? 1 : 0)) return;
    writeGateTask(this.#task, request.infoHash);
    const isArrival = this.#isArrival && !who.marked && !request.hasOther;
    if (isArrival) writeArrival(this.#task, request.address, request.port, this.#key);
    this.#tasks.push(TASK.gate, 0, this.#task, 0, isArrival ? ARRIVAL_BYTES : INFO_HASH_BYTES);
  }

  /** A client stops, whose peer is about to leave if it is stored. The shard of its swarm is locked. @param swarm the keyed hash of the info-hash. */
  leaving(groups: Uint8Array, entry: number, swarm: number, request: AnnounceRequest, group: number): void {
    if (groups[group] === 0 || !mayBeGated(this.#store, entry, 0)) return;
    const { address, left } = request;
    // Clients stop twice, or after they have expired: nothing changes then.
    const isOther = request.hasOther && this.#isStored(entry, request.otherAddress, request.otherPort);
    if (!isOther && !this.#isStored(entry, address, request.port)) return;
    const isRefused = this.#store.traffic.refusedPairs?.has(swarm, address.family, address.words, 0) === true;
    // The swarm is gated, and stays so without this download. If the client has other torrents, the gate has to know at
    // once: which of its connections are cut follows from all of them.
    const isUnneeded = isRefused && left !== 0 && !isOther && this.#isAlone(address, request.port);
    if (isUnneeded && mayBeGated(this.#store, entry, -1)) return;
    writeGateTask(this.#task, request.infoHash);
    this.#tasks.push(TASK.gate, 0, this.#task, 0, INFO_HASH_BYTES);
  }

  /** Whether an endpoint, which is stored in this swarm, is in no other one. */
  #isAlone({ family, words }: Address, port: number): boolean {
    return this.#store.limits.endpoints?.count(family, words, 0, port) === 1;
  }

  #isStored(entry: number, { family, words }: Address, port: number): boolean {
    return this.#store.list(family).find(this.#store.listCell(entry, family), words, port) !== -1;
  }
}
