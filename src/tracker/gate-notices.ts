/**
 * Sends the control plane the swarms that the gate (gate/) has to judge again, because a role may have changed. A known
 * peer whose download makes progress causes no task.
 */
import { writeWord } from "../model/address.ts";
import { INFO_HASH_BYTES, INFO_HASH_WORDS } from "../model/info-hash.ts";
import { mayBeGated } from "../selection/gate-candidates.ts";
import type { Requester } from "../selection/requester.ts";
import { leftOf } from "../store/layout/peer.ts";
import { becomesIdle } from "../store/peer-record.ts";
import type { PeerUpdate, PutOutcome } from "../store/peer-update.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { TASK, type TaskWriter } from "../tasks/task-queue.ts";

/** Queues the notices of one worker. */
export class GateNotices {
  readonly #store: SwarmStore;
  readonly #tasks: Pick<TaskWriter, "push">;
  readonly #task = new Uint8Array(INFO_HASH_BYTES);
  /** Of the announce under way: its record is new or has another key, its download got nothing; and its mark so far. */
  #changed = false;
  #marked = false;

  constructor(store: SwarmStore, tasks: Pick<TaskWriter, "push">) {
    this.#store = store;
    this.#tasks = tasks;
  }

  /** The record of a peer was stored, and it is not answered yet. A client without progress causes two tasks, not one for every announce. */
  stored({ before, changed, marked }: PutOutcome, { left, now, stallSeconds }: PeerUpdate): void {
    this.#changed =
      changed || (before !== 0 && left >= leftOf(before) && becomesIdle(before, now, stallSeconds));
    this.#marked = marked;
  }

  /** The peer was answered: its mark is the present one. The shard of its swarm is locked. @param groups by id: 1 where the gate is on. */
  answered(groups: Uint8Array, entry: number, infoHash: Uint32Array, who: Requester): void {
    if (groups[who.group] !== 0 && (this.#changed || this.#marked !== who.marked))
      // A client that has just completed was a downloader until now.
      this.#notify(entry, infoHash, who.left === 0 ? 1 : 0);
  }

  /** A peer is about to leave. */
  leaving(groups: Uint8Array | undefined, entry: number, infoHash: Uint32Array, group: number): void {
    if (groups !== undefined && groups[group] !== 0) this.#notify(entry, infoHash, 0);
  }

  #notify(entry: number, infoHash: Uint32Array, lost: number): void {
    if (!mayBeGated(this.#store, entry, lost)) return;
    for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(this.#task, 4 * i, infoHash[i]);
    this.#tasks.push(TASK.gate, 0, this.#task, 0, INFO_HASH_BYTES);
  }
}
