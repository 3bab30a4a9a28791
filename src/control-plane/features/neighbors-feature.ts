/** Neighbors, wired to configuration, store, tasks and log. */

import { randomBytes, randomInt } from "node:crypto";
import type { Panel } from "../../admin/panel.ts";
import { neighborsPanel } from "../../admin/panels/neighbors-panel.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { PolicyData } from "../../data-plane/protocol.ts";
import { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address-text.ts";
import type { Neighbor } from "../../neighbors/neighbor.ts";
import { makeNeighborClient } from "../../neighbors/neighbor-client.ts";
import { NeighborSet, type NeighborsPolicy } from "../../neighbors/neighbor-set.ts";
import type { NeighborSettings } from "../../neighbors/settings.ts";
import { PeerGroups } from "../../network/peer-groups.ts";
import { parsePrefix } from "../../network/prefix.ts";
import { buildPrefixSet, PrefixTable } from "../../network/prefix-table.ts";
import { isPrivate } from "../../network/special-purpose.ts";
import { steadyMs } from "../../platform/clock.ts";
import { machineAddresses } from "../../platform/machine.ts";
import { LearnedPeers } from "../../store/learned-peers.ts";
import { SHARD_WAIT_MS } from "../../store/shard-lock.ts";
import { setRefreshed } from "../../store/swarm-state.ts";
import type { SwarmStore } from "../../store/swarm-store.ts";
import { readRefresh } from "../../tasks/refresh-task.ts";
import { TASK } from "../../tasks/task-queue.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { POLL_PEER_ID, Polls } from "../../tracker/polls.ts";
import type { Feature } from "../feature.ts";
import type { TaskDispatcher } from "../task-dispatcher.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

/** Interval at which due requests to neighbors are sent, while there are any. */
const PUMP_MS = 50;

/** The port in announces to neighbors. The tracker is not a peer: nothing listens there. */
const POLL_PORT = 6881;

/** Assumed minimum of peers in a swarm, on average: limits the memory for swarms that are due to be asked about. */
const PEERS_PER_SWARM = 4;

/** What the feature needs. */
export interface NeighborsFeatureParts {
  readonly store: SwarmStore;
  readonly tasks: TaskDispatcher;
  readonly log: Logger;
}

/** Asks neighbors for peers, and stores the peers they return. */
export class NeighborsFeature implements Feature {
  readonly panel: Panel;
  readonly #log: Logger;
  readonly #store: SwarmStore;
  #refreshSeconds = 0;
  #cluster: Pick<ClusterFeature, "share"> | undefined;
  readonly #learned: LearnedPeers;
  readonly #neighbors: NeighborSet;
  readonly #peerId = POLL_PEER_ID + randomBytes(6).toString("hex");
  #timer: NodeJS.Timeout | undefined;

  constructor({ store, tasks, log }: NeighborsFeatureParts, loaded: LoadedConfig, policy: PolicyData) {
    const { tracker } = loaded.config;
    const groups = new PeerGroups(policy.groups);
    this.#log = log;
    this.#store = store;
    this.#learned = new LearnedPeers(store, store.maxPeers, groups, tracker.max_learned_peers);
    this.#neighbors = new NeighborSet({
      makeClient: makeNeighborClient,
      isAnnounced: (infoHash) => this.#learned.isAnnounced(infoHash),
      learn: (infoHash, named, counts) => this.#learned.learn(infoHash, named, counts),
      share: (answer) => this.#cluster?.share(answer),
      now: steadyMs,
      fraction: () => randomInt(2 ** 32) / 2 ** 32,
      changed: (neighbor) => this.#logChange(neighbor),
      swarms: 2 ** Math.ceil(Math.log2(Math.max(8, store.maxPeers / PEERS_PER_SWARM))),
    });
    this.panel = neighborsPanel(this.#neighbors);
    tasks.handle(TASK.refresh, (worker, token, bytes) => {
      this.#neighbors.requestRefresh(
        readRefresh(bytes),
        token === 0 ? undefined : () => tasks.resume(worker, token),
      );
      this.#keepPumping();
    });
    this.adopt(loaded, policy);
  }

  /** Takes over neighbors, groups and limits. */
  adopt({ config }: LoadedConfig, policy: PolicyData): void {
    this.#learned.groups = new PeerGroups(policy.groups);
    this.#refreshSeconds = policy.refreshSeconds;
    this.#learned.swarmLimit = config.tracker.max_learned_peers;
    this.#neighbors.adopt(this.#policyOf(config, policy));
  }

  /** Tells the other nodes of a cluster what neighbors answer, and takes what they tell, so that only one node asks. */
  shareWith(cluster: Pick<ClusterFeature, "share" | "onShared">): void {
    this.#cluster = cluster;
    cluster.onShared = (answer, sharesPrivate) => {
      if (this.#neighbors.takeShared(answer, sharesPrivate)) this.#setRefreshed(answer.infoHash);
      this.#keepPumping();
    };
  }

  /** Notes that neighbors have been asked about a swarm. */
  #setRefreshed(infoHash: Uint32Array): void {
    const store = this.#store;
    const shard = store.shardOf(infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) return;
    const entry = store.find(shard, infoHash);
    if (entry !== 0) setRefreshed(store.words, entry, Math.floor(steadyMs() / 1000), this.#refreshSeconds);
    store.leave(shard);
  }

  /** Begins to send requests. */
  start(): void {
    this.#keepPumping();
  }

  /** Stops sending requests. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#neighbors.stop();
  }

  /** Sends due requests at an interval, until none is waiting or under way. */
  #keepPumping(): void {
    this.#timer ??= setInterval(() => {
      this.#neighbors.pump();
      if (!this.#neighbors.isIdle) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, PUMP_MS).unref();
  }

  #policyOf({ listen, neighbors, tracker }: Config, policy: PolicyData): NeighborsPolicy {
    const listened = [...listen.http, ...listen.udp].map(
      ({ host }) => parsePrefix(host.split("%")[0]).prefix,
    );
    const ownTable = new PrefixTable(buildPrefixSet([...machineAddresses(), ...listened]));
    const polls = new Polls(policy.polls);
    return {
      neighbors: neighbors.filter(({ enabled }) => enabled).map(settingsOf),
      identity: {
        peerId: this.#peerId,
        port: POLL_PORT,
        numWant: tracker.max_learned_peers,
        ip: publicAddress(),
      },
      groups: this.#learned.groups,
      groupNames: policy.groups.groups,
      isTracker: (address) => polls.isFrom(address) || ownTable.lookup(address) !== 0,
      limit: tracker.max_learned_peers,
    };
  }

  #logChange(neighbor: Neighbor): void {
    const { settings, lastFailure, openUntilMs, state } = neighbor;
    const fields = { neighbor: settings.name };
    if (state === "closed") {
      this.#log.info(fields, "the neighbor answers again");
      return;
    }
    const until = new Date(openUntilMs).toISOString();
    this.#log.warning(
      { ...fields, failure: lastFailure, until },
      "the neighbor does not answer: backing off",
    );
  }
}

function settingsOf(neighbor: Config["neighbors"][number]): NeighborSettings {
  return {
    name: neighbor.name,
    template: neighbor.announce_request,
    refreshSeconds: neighbor.refresh_interval,
    expirySeconds: neighbor.peers_expiry_interval,
    timeoutMs: neighbor.timeout * 1000,
    maxConcurrent: neighbor.max_concurrent,
    maxPerSecond: neighbor.max_requests_per_second,
    reachableFrom: neighbor.reachable_from,
  };
}

/** Returns the first public IPv4 address of this machine, or an empty string. */
function publicAddress(): string {
  const address = new Address();
  for (const { family, words } of machineAddresses()) {
    address.setIPv4(words[0]);
    if (family === 4 && !isPrivate(address)) return formatAddress(address);
  }
  return "";
}
