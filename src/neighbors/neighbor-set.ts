/**
 * Asks the trackers of partner networks for peers of the swarms that clients announce here, and stores the peers. Start
 * here; a single neighbor is in neighbor.ts.
 *
 * An announce only queues a task and is answered with the known peers. With `tracker.neighbors_wait` the first announce of a
 * swarm waits for an answer.
 */
import type { TrackerClient } from "../client/tracker-client.ts";
import type { Address } from "../model/address.ts";
import { EXTERNAL_SOURCE, LEARNED_SOURCES } from "../model/counters.ts";
import type { PeerGroups, PeerGroupsData } from "../network/peer-groups.ts";
import type { RefreshTask } from "../tasks/refresh-task.ts";
import type { SharedAnswer } from "../tasks/shared-answer.ts";
import type { PollIdentity } from "./announce-template.ts";
import { FirstAnswerWaits } from "./first-answer-waits.ts";
import { Neighbor, type NeighborParts } from "./neighbor.ts";
import type { FilterRules } from "./peer-filter.ts";
import type { NeighborSettings } from "./settings.ts";

/** The dependencies of all neighbors. */
export interface NeighborSetParts extends Omit<NeighborParts, "announce" | "settled"> {
  /** Makes the client for one neighbor. */
  readonly makeClient: (settings: NeighborSettings) => Pick<TrackerClient, "announce" | "close">;
  /** The capacity of the table of asked swarms of each neighbor: a power of two, about twice the number of swarms. */
  readonly swarms: number;
}

/** The settings that a reload replaces. */
export interface NeighborsPolicy {
  readonly neighbors: readonly NeighborSettings[];
  readonly identity: PollIdentity;
  readonly groups: PeerGroups;
  /** Names and ids of the groups. */
  readonly groupNames: PeerGroupsData["groups"];
  /** Whether an address belongs to this tracker or to another one that polls it. */
  readonly isTracker: (address: Address) => boolean;
  /** The maximum number of peers from one answer. */
  readonly limit: number;
}

interface Entry {
  readonly neighbor: Neighbor;
  readonly client: Pick<TrackerClient, "announce" | "close">;
}

/** All neighbors. */
export class NeighborSet {
  readonly #parts: NeighborSetParts;
  readonly #entries = new Map<string, Entry>();
  readonly #waits = new FirstAnswerWaits();
  /** Source numbers by name. Removed neighbors keep theirs, since their peers are stored for some time. */
  readonly #sources = new Map<string, number>();

  constructor(parts: NeighborSetParts) {
    this.#parts = parts;
  }

  /** In the order of the configuration. */
  get all(): readonly Neighbor[] {
    return Array.from(this.#entries.values(), ({ neighbor }) => neighbor);
  }

  /** Adopts a policy. Neighbors with unchanged settings continue. Changed ones start again and keep their counts. */
  adopt(policy: NeighborsPolicy): void {
    const before = new Map(this.#entries);
    const { identity } = policy;
    this.#entries.clear();
    for (const settings of policy.neighbors) {
      const old = before.get(settings.name);
      const rules = rulesFor(settings, policy);
      if (old !== undefined && JSON.stringify(old.neighbor.settings) === JSON.stringify(settings)) {
        old.neighbor.adopt(identity, rules);
        this.#entries.set(settings.name, old);
        before.delete(settings.name);
        continue;
      }
      const client = this.#parts.makeClient(settings);
      const parts = {
        ...this.#parts,
        announce: client.announce.bind(client),
        settled: (infoHash: Uint32Array, answered: boolean) => this.#waits.settle(infoHash, answered),
      };
      const source = this.#sourceOf(settings.name);
      const { swarms } = this.#parts;
      const counts = old?.neighbor.counts;
      const neighbor = new Neighbor({ settings, source, identity, rules, swarms, counts }, parts);
      this.#entries.set(settings.name, { neighbor, client });
    }
    for (const { neighbor, client } of before.values()) {
      neighbor.retire();
      void client.close();
    }
  }

  /**
   * Requests a refresh of an announced swarm from every neighbor that was not asked about it recently.
   * @param over given when a client waits. Called once, when a neighbor has answered or all have failed.
   */
  requestRefresh(task: RefreshTask, over?: () => void): void {
    let asked = 0;
    for (const { neighbor } of this.#entries.values()) {
      if (neighbor.requestRefresh(task) && neighbor.state === "closed") asked++;
    }
    if (over !== undefined && asked > 0) this.#waits.add(task.infoHash, asked, over, this.#parts.now());
    else over?.();
    this.pump();
  }

  /**
   * Takes what a neighbor has answered to another node of the cluster, or that it is being asked.
   * @param sharesPrivate whether private addresses mean the same machines here.
   * @returns whether it is a neighbor of this node.
   */
  takeShared(answer: SharedAnswer, sharesPrivate: boolean): boolean {
    const entry = this.#entries.get(answer.neighbor);
    entry?.neighbor.takeShared(answer, sharesPrivate);
    return entry !== undefined;
  }

  /** Whether no request is waiting or under way, and no client waits for one. */
  get isIdle(): boolean {
    const neighbors = [...this.#entries.values()].map(({ neighbor }) => neighbor);
    return this.#waits.size === 0 && neighbors.every(({ waiting, inFlight }) => waiting + inFlight === 0);
  }

  /** Sends the requests that the limits allow now. To be called several times a second, unless the set is idle. */
  pump(): void {
    for (const { neighbor } of this.#entries.values()) neighbor.pump();
    this.#waits.forget(this.#parts.now());
  }

  /** Stops all requests, and closes the clients. */
  async stop(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { neighbor } of entries) neighbor.retire();
    await Promise.all(entries.map(({ client }) => client.close()));
  }

  /** The source number of a name: its former one, else an unused one, else that of the removed neighbor added first. */
  #sourceOf(name: string): number {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const taken = new Set(this.#sources.values());
    for (let source = EXTERNAL_SOURCE + 1; source < LEARNED_SOURCES; source++) {
      if (taken.has(source)) continue;
      this.#sources.set(name, source);
      return source;
    }
    const [gone, source] = [...this.#sources].find(([other]) => !this.#entries.has(other))!;
    this.#sources.delete(gone);
    this.#sources.set(name, source);
    return source;
  }
}

function rulesFor(
  { reachableFrom }: NeighborSettings,
  { groups, groupNames, isTracker, limit }: NeighborsPolicy,
): FilterRules {
  const ids = groupNames.filter(({ name }) => reachableFrom.includes(name)).map(({ id }) => id);
  return { groups, isTracker, limit, reachableFrom: new Set(ids) };
}
