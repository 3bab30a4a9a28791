/**
 * The trackers of partner networks: which of them are asked about a swarm that clients announce here, and what they
 * name is learned. Start here; one neighbor is neighbor.ts.
 *
 * Nothing here is waited for by an announce: it leaves a task, and is answered with what is known.
 */
import type { TrackerClient } from "../client/tracker-client.ts";
import type { Address } from "../model/address.ts";
import { EXTERNAL_SOURCE, LEARNED_SOURCES } from "../model/counters.ts";
import type { PeerGroups, PeerGroupsData } from "../network/peer-groups.ts";
import type { RefreshTask } from "../tasks/refresh-task.ts";
import type { PollIdentity } from "./announce-template.ts";
import { FirstAnswerWaits } from "./first-answer-waits.ts";
import { Neighbor, type NeighborParts } from "./neighbor.ts";
import type { FilterRules } from "./peer-filter.ts";
import type { NeighborSettings } from "./settings.ts";

/** What all neighbors work with. */
export interface NeighborSetParts extends Omit<NeighborParts, "announce" | "settled"> {
  /** Makes what asks one neighbor. */
  readonly makeClient: (settings: NeighborSettings) => Pick<TrackerClient, "announce" | "close">;
  /** Swarms that are remembered of each: a power of two, twice as many as there are is enough. */
  readonly swarms: number;
}

/** What a reload replaces. */
export interface NeighborsPolicy {
  readonly neighbors: readonly NeighborSettings[];
  readonly identity: PollIdentity;
  readonly groups: PeerGroups;
  /** Names and ids of the groups. */
  readonly groupNames: PeerGroupsData["groups"];
  /** Whether an address is this tracker's, or that of another that asks us. */
  readonly isTracker: (address: Address) => boolean;
  /** Most peers that are taken from an answer. */
  readonly limit: number;
}

interface Entry {
  readonly neighbor: Neighbor;
  readonly client: Pick<TrackerClient, "announce" | "close">;
}

/** Asks all neighbors. */
export class NeighborSet {
  readonly #parts: NeighborSetParts;
  readonly #entries = new Map<string, Entry>();
  readonly #waits = new FirstAnswerWaits();
  /** Numbers given, by name. They stay: peers of a neighbor that is gone are known for a while. */
  readonly #sources = new Map<string, number>();

  constructor(parts: NeighborSetParts) {
    this.#parts = parts;
  }

  /** In the order of the configuration. */
  get all(): readonly Neighbor[] {
    return Array.from(this.#entries.values(), ({ neighbor }) => neighbor);
  }

  /** Takes over a policy. NeighborSet that are configured as before go on; others begin anew, with their old counts. */
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
      const neighbor = new Neighbor(
        settings,
        source,
        parts,
        identity,
        rules,
        this.#parts.swarms,
        old?.neighbor.counts,
      );
      this.#entries.set(settings.name, { neighbor, client });
    }
    for (const { neighbor, client } of before.values()) {
      neighbor.retire();
      void client.close();
    }
  }

  /**
   * Clients announce a swarm: whoever was not asked about it lately is to be.
   * @param over called once, when a neighbor has answered or none will: somebody waits for that.
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

  /** Asks whatever may be asked by now. To be called several times a second. */
  pump(): void {
    for (const { neighbor } of this.#entries.values()) neighbor.pump();
    this.#waits.forget(this.#parts.now());
  }

  /** Asks nobody any more. */
  async stop(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { neighbor } of entries) neighbor.retire();
    await Promise.all(entries.map(({ client }) => client.close()));
  }

  /** The number that a name has had before; else one that nobody has, or the one that was given first. */
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
