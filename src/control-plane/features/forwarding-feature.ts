/**
 * Forwarded announces, wired: from the workers' tasks to upstream trackers, and back to the store and to waiting
 * clients.
 */

import type { Panel } from "../../admin/panel.ts";
import { forwardingPanel, type forwardingSchema } from "../../admin/panels/forwarding-panel.ts";
import { publicAddressesExcept } from "../../client/address-guard.ts";
import { TrackerClient } from "../../client/tracker-client.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { PolicyData } from "../../data-plane/protocol.ts";
import { Forwarder } from "../../forwarding/forwarder.ts";
import type { ScheduleLimits } from "../../forwarding/schedule.ts";
import type { Address } from "../../model/address.ts";
import { PeerGroups } from "../../network/peer-groups.ts";
import { buildPrefixSet, PrefixTable } from "../../network/prefix-table.ts";
import { ownAddresses } from "../../platform/machine.ts";
import { LearnedCounts, LearnedPeers } from "../../store/learned-peers.ts";
import type { SwarmStore } from "../../store/swarm-store.ts";
import { AskTimes, type AskTimesData } from "../../tasks/ask-times.ts";
import { TASK } from "../../tasks/task-queue.ts";
import type { Feature } from "../feature.ts";
import type { TaskDispatcher } from "../task-dispatcher.ts";

/**
 * Timeout of an announce with its redirects and retransmissions. Longer than any client waits: a late reply serves
 * others.
 */
const REQUEST_MS = 15_000;

const MOST_QUEUED = 10_000;
const MOST_QUEUED_PER_TRACKER = 1000;
const MOST_QUEUED_PER_ADDRESS = 1000;
const MOST_TRACKERS = 4096;

/** The share of the announces in flight that one client address may have. */
const SHARE_OF_ADDRESS = 1 / 4;

/** What the feature needs. */
export interface ForwardingParts {
  readonly store: SwarmStore;
  readonly askTimes: AskTimesData;
  readonly tasks: Pick<TaskDispatcher, "handle" | "resume">;
  /** The data plane's clock, in seconds. */
  readonly now: () => number;
  /** Which addresses upstream trackers may have. By default all public ones, except own and denied ones. */
  readonly allows?: (address: Address) => boolean;
}

/** Asks upstream trackers on behalf of clients. */
export class ForwardingFeature implements Feature {
  readonly panel: Panel<typeof forwardingSchema>;
  readonly #parts: ForwardingParts;
  readonly #learned: LearnedPeers;
  readonly #counts = new LearnedCounts();
  /** A reload changes the limits in place: queued announces and counts are kept. */
  readonly #limits: ScheduleLimits;
  readonly #forwarder: Forwarder;
  #client: TrackerClient;
  #ours: PrefixTable;
  #key = "";
  #isOn = false;

  constructor(parts: ForwardingParts, { config }: LoadedConfig, { groups }: PolicyData) {
    this.#parts = parts;
    this.#learned = new LearnedPeers(
      parts.store,
      parts.store.maxPeers,
      new PeerGroups(groups),
      config.tracker.max_learned_peers,
    );
    this.#client = this.#makeClient(config);
    this.#limits = limitsOf(config);
    this.#ours = oursOf(config);
    this.#forwarder = this.#makeForwarder(config);
    this.#key = keyOf(config);
    this.#isOn = isOn(config);
    this.panel = forwardingPanel({
      isOn: () => this.#isOn,
      forwarder: this.#forwarder,
      learned: this.#counts,
      now: parts.now,
    });
  }

  start(): void {
    const { tasks } = this.#parts;
    tasks.handle(TASK.forward, (worker, token, bytes) => this.#forwarder.take(worker, token, bytes));
  }

  /** Takes over the configuration. Announces in flight are cancelled if the client has to be made anew. */
  adopt({ config }: LoadedConfig, { groups }: PolicyData): void {
    this.#learned.groups = new PeerGroups(groups);
    this.#learned.swarmLimit = config.tracker.max_learned_peers;
    this.#isOn = isOn(config);
    this.#ours = oursOf(config);
    if (keyOf(config) === this.#key) return;
    this.#key = keyOf(config);
    const client = this.#client;
    this.#client = this.#makeClient(config);
    Object.assign(this.#limits, limitsOf(config));
    this.#forwarder.numWant = config.tracker.numwant_max;
    void client.close();
  }

  /** Cancels announces in flight. */
  async stop(): Promise<void> {
    await this.#client.close();
  }

  #makeClient({
    forwarded_announce: { deny, own_hosts, max_requests, max_requests_per_tracker },
  }: Config): TrackerClient {
    return new TrackerClient({
      guard: this.#parts.allows ?? publicAddressesExcept([...deny, ...ownAddresses(own_hosts)]),
      refuseLowPorts: true,
      timeoutMs: REQUEST_MS,
      maxInFlight: max_requests,
      maxPerHost: max_requests_per_tracker,
    });
  }

  #makeForwarder({ tracker }: Config): Forwarder {
    const { tasks, askTimes, now } = this.#parts;
    return new Forwarder({
      limits: this.#limits,
      numWant: tracker.numwant_max,
      times: new AskTimes(askTimes),
      announce: (announcement) => this.#client.announce(announcement),
      learn: (peers) => this.#learned.learnAnswer(peers, this.#counts),
      resume: (worker, token, reply) => tasks.resume(worker, token, reply),
      isOurs: (address) => this.#ours.lookup(address) !== 0,
      now,
      nowMs: () => performance.now(),
      fraction: Math.random,
    });
  }
}

function oursOf({ forwarded_announce: { own_hosts } }: Config): PrefixTable {
  return new PrefixTable(buildPrefixSet(ownAddresses(own_hosts)));
}

function isOn({ forwarded_announce: { sources, clients } }: Config): boolean {
  return sources.length + clients.length > 0;
}

function limitsOf({
  forwarded_announce: { max_requests, max_requests_per_tracker },
}: Config): ScheduleLimits {
  return {
    maxRequests: max_requests,
    maxPerTracker: max_requests_per_tracker,
    maxPerAddress: Math.ceil(max_requests * SHARE_OF_ADDRESS),
    maxQueued: MOST_QUEUED,
    maxQueuedPerTracker: MOST_QUEUED_PER_TRACKER,
    maxHeldPerAddress: MOST_QUEUED_PER_ADDRESS,
    maxTrackers: MOST_TRACKERS,
  };
}

/** Settings whose change requires a new client. */
function keyOf({
  forwarded_announce: { deny, own_hosts, max_requests, max_requests_per_tracker },
  tracker,
}: Config): string {
  return JSON.stringify([deny, own_hosts, max_requests, max_requests_per_tracker, tracker.numwant_max]);
}
