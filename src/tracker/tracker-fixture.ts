/** A tracker over a small store with three groups, for tests: announces in, addresses out. */
import { Address, type Family } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import {
  ANNOUNCE_EVENT,
  AnnounceRequest,
  AnnounceResponse,
  COMPACT_BYTES,
  TRANSFERRED,
} from "../model/announce.ts";
import { allocateCounters } from "../model/counters.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { Random } from "../model/random.ts";
import { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import {
  ADDRESS_LIMIT_MAX,
  buildPeerGroups,
  PeerGroups,
  type PeerGroupsData,
} from "../network/peer-groups.ts";
import { parsePrefix } from "../network/prefix.ts";
import { BridgedPolicy } from "../selection/bridged.ts";
import { BRIDGED_LIMITS, type BridgedLimits } from "../selection/home-census.ts";
import type { PaceTrial } from "../selection/pace-trial.ts";
import { makeSelectionPolicy, type SelectionChoice } from "../selection/policies.ts";
import type { SelectionPolicy } from "../selection/policy.ts";
import { Admission } from "../store/admission.ts";
import { allocateActivity } from "../store/group-activity.ts";
import { groupOf, isDuplicate, isMarked } from "../store/layout/key.ts";
import { readAddress, wordAOf } from "../store/layout/peer.ts";
import { LearnedCounts, LearnedPeers } from "../store/learned-peers.ts";
import { allocateSwarmStore, type SwarmStoreData } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { type ReplicationRingData, ReplicationWriter } from "../tasks/replication-ring.ts";
import { AccessList, buildAccessList } from "./access-list.ts";
import { allocateCensus } from "./census.ts";
import { NO_POLLS, type Polls } from "./polls.ts";
import { Sweeper } from "./sweeper.ts";
import { Tracker } from "./tracker.ts";
import type { Tasks } from "./tracker-options.ts";

/** A peer group, in text. */
export interface TestGroup {
  name: string;
  priority: number;
  prefixes: string[];
  reachableFrom?: string[];
  addressLimit?: number;
}

/** The groups of a fixture for which nothing else is said. */
export const TEST_GROUPS: TestGroup[] = [
  { name: "home", priority: 0, prefixes: ["11.0.0.0/8", "2001:db8:11::/48", "10.1.0.0/16"] },
  {
    name: "region",
    priority: 0,
    prefixes: ["12.0.0.0/8", "2001:db8:12::/48", "10.2.0.0/16"],
    reachableFrom: ["home"],
  },
  { name: "partner", priority: 5, prefixes: ["13.0.0.0/8", "2001:db8:13::/48"] },
];

/** Times in seconds. */
export const SETTINGS = {
  interval: 1800,
  minInterval: 900,
  numWant: 50,
  numWantMax: 200,
  countLearned: false,
};

/** What differs from the ordinary settings of a policy. */
export type TestSelection = Partial<SelectionChoice & BridgedLimits> & {
  readonly trial?: PaceTrial;
  readonly gatedGroups?: Uint8Array;
};

/** A selection policy; `nearest`, if nothing else is said. `bridged` has two bridges. */
export function testSelection(changes: TestSelection = {}): SelectionPolicy {
  const {
    policy = "nearest",
    home = "groups",
    strangers = "nearest",
    stallSeconds = 600,
    patience = 1.1,
    trial,
    gatedGroups,
    ...limits
  } = changes;
  const settings = { home, strangers, stallSeconds, patience };
  return policy === "bridged"
    ? new BridgedPolicy(settings, { ...BRIDGED_LIMITS, bridges: 2, ...limits }, trial, gatedGroups)
    : makeSelectionPolicy({ policy, ...settings });
}

/** By what a test's peer is admitted: any number of an address. @param room peers in the tracker. */
export function admitAny(room: number): Admission {
  const admission = new Admission();
  admission.maxPeers = room;
  return admission;
}

/**
 * Builds groups from text.
 * @param defaultLimit peers of one address in a swarm; as many as can be, where a test is not about that.
 */
export function groupsOf(groups: TestGroup[], defaultLimit: number = ADDRESS_LIMIT_MAX): PeerGroups {
  return new PeerGroups(groupsDataOf(groups, defaultLimit));
}

/** The same, as the control plane has them. */
export function groupsDataOf(groups: TestGroup[], defaultLimit: number = ADDRESS_LIMIT_MAX): PeerGroupsData {
  return buildPeerGroups(
    groups.map(({ name, priority, prefixes, reachableFrom, addressLimit }) => ({
      name,
      priority,
      prefixes: prefixes.map((text) => parsePrefix(text).prefix),
      reachableFrom: reachableFrom ?? [],
      addressLimit,
    })),
    undefined,
    defaultLimit,
  );
}

/** Built once: a property makes a fixture for each of its cases. */
const DEFAULT_GROUPS = groupsOf(TEST_GROUPS);

/** A peer of an answer. */
export interface ReturnedPeer {
  address: string;
  port: number;
}

/** What differs from an ordinary announce of a leecher. */
export interface Announced
  extends Partial<Pick<AnnounceRequest, "port" | "left" | "event" | "numWant" | "onlyFamily">> {
  swarm?: number;
  /** The peer's address in the other family. */
  other?: string;
  /** The client: what its peer_id and its key are made of. */
  client?: number;
  /** Bytes received and sent; -1 where it does not say. */
  transferred?: readonly [received: number, sent: number];
  /** The bytes sent alone. */
  uploaded?: number;
}

/** Announces go in as text, answers come out as text. */
export class TrackerFixture {
  readonly clock = { seconds: 1_000_000 };
  readonly counters = allocateCounters();
  readonly activity = allocateActivity();
  readonly store: SwarmStore;
  readonly tracker: Tracker;
  readonly response = new AnnounceResponse();
  groups: PeerGroups;

  constructor(
    options: {
      groups?: TestGroup[];
      /** Peers of one address in a swarm, where its group says nothing else. */
      addressLimit?: number;
      maxPeers?: number;
      store?: SwarmStoreData;
      seed?: number;
      accessList?: AccessList;
      polls?: Polls;
      refreshSeconds?: number;
      refreshWaitMs?: number;
      tasks?: Tasks;
      /** Where changes for other nodes of a cluster are written. */
      replication?: ReplicationRingData;
      gatedGroups?: Uint8Array;
      selection?: TestSelection;
      /** Seconds until a copy is proven; 0, at once, unless a test is about that. */
      minDwell?: number;
    } = {},
  ) {
    this.groups =
      options.groups === undefined && options.addressLimit === undefined
        ? DEFAULT_GROUPS
        : groupsOf(options.groups ?? TEST_GROUPS, options.addressLimit);
    this.store = new SwarmStore(
      options.store ?? allocateSwarmStore(options.maxPeers ?? 100_000, 2, [1, 2]),
      1,
    );
    const policy = {
      settings: SETTINGS,
      selection: testSelection(options.selection),
      copies: { minDwell: options.minDwell ?? 0, tiers: 1 },
      groups: this.groups,
      polls: options.polls ?? NO_POLLS,
      refreshSeconds: options.refreshSeconds ?? 0,
      refreshWaitMs: options.refreshWaitMs ?? 0,
      gatedGroups: options.gatedGroups,
      accessList: options.accessList ?? new AccessList(buildAccessList("off", new Uint32Array(0))),
    };
    const random = new Random([options.seed ?? 1, 2, 3, 4]);
    this.tracker = new Tracker({
      store: this.store,
      policy,
      random,
      clock: this.clock,
      counters: this.counters,
      activity: this.activity,
      tasks: options.tasks,
      replication: options.replication && new ReplicationWriter(options.replication),
    });
  }

  /** A sweeper of the whole store, which removes peers after 3,900 seconds. */
  makeSweeper(census = allocateCensus()): Sweeper {
    const { store, groups, counters } = this;
    return new Sweeper({ store, groups, peerExpiry: 3900, counters, census, worker: 0, workers: 1 });
  }

  announce(address: string, fields: Announced = {}): number {
    const request = new AnnounceRequest();
    request.infoHash[0] = fields.swarm ?? 0;
    request.address.copyFrom(parseAddress(address));
    request.port = fields.port ?? 6881;
    request.left = fields.left ?? 100;
    request.event = fields.event ?? ANNOUNCE_EVENT.none;
    request.numWant = fields.numWant ?? 50;
    request.onlyFamily = fields.onlyFamily ?? 0;
    request.peerId.fill(fields.client ?? 0);
    request.clientKey = fields.client ?? 0;
    request.transferred.set(fields.transferred ?? [-1, fields.uploaded ?? -1]);
    request.transferred[TRANSFERRED.left] = request.left;
    if (fields.other !== undefined) {
      request.hasOther = true;
      request.otherAddress.copyFrom(parseAddress(fields.other));
      request.otherPort = request.port;
    }
    return this.tracker.announce(request, this.response);
  }

  /** The last answer's peers of one family. */
  returned(family: Family): ReturnedPeer[] {
    const bytes = family === 4 ? this.response.peers : this.response.peers6;
    const count = family === 4 ? this.response.peerCount : this.response.peer6Count;
    return this.peersIn(bytes.subarray(0, count * COMPACT_BYTES[family]), family).map(
      ({ address, port }) => ({
        address: formatAddress(address),
        port,
      }),
    );
  }

  /** Reads peers in compact form. */
  peersIn(bytes: Uint8Array, family: Family): { address: Address; port: number }[] {
    const size = COMPACT_BYTES[family];
    return Array.from({ length: bytes.length / size }, (_, i) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset + i * size, size);
      const address = new Address();
      if (family === 4) address.setIPv4(view.getUint32(0));
      else address.setIPv6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
      return { address, port: view.getUint16(size - 2) };
    });
  }

  returnedAll(): string[] {
    return [...this.returned(4), ...this.returned(6)].map(({ address, port }) => `${address} ${port}`);
  }

  /** Whether the peer is a bridge of its home in swarm 0. */
  isBridge(address: string, port = 6881): boolean {
    const { store } = this;
    const parsed = parseAddress(address);
    const shard = store.enter(new Uint32Array(INFO_HASH_WORDS));
    const cell = store.listCell(store.find(shard, new Uint32Array(INFO_HASH_WORDS)), parsed.family);
    const list = store.list(parsed.family);
    const record = list.recordAt(cell, list.find(cell, parsed.words, port));
    store.leave(shard);
    return isMarked(store.words[wordAOf(record, parsed.family)]);
  }

  /** Has swarm 0 learn peers from another tracker. @param peers IPv4, in compact form. */
  learn(...peers: number[]): void {
    const learned = new LearnedPeers(this.store, 100_000, this.groups, 1000);
    const named = { family: 4, complete: false, source: 1, expiresAt: this.clock.seconds + 7200 } as const;
    learned.learn(
      new Uint32Array(INFO_HASH_WORDS),
      { ...named, peers: Uint8Array.from(peers) },
      new LearnedCounts(),
    );
  }

  /** All IPv4 peers stored, and the groups they are stored under. */
  peers(): { address: string; group: number }[] {
    const { store } = this;
    const found: { address: string; group: number }[] = [];
    for (let shard = 0; shard < store.shards; shard++) {
      for (let number = 0; number < store.swarmsIn(shard); number++) {
        const cell = store.listCell(store.swarmAt(shard, number), 4);
        for (let position = 0; position < store.list(4).count(cell); position++) {
          const record = store.list(4).recordAt(cell, position);
          const address = new Address();
          address.setIPv4(store.words[record]);
          found.push({ address: formatAddress(address), group: groupOf(store.words[wordAOf(record, 4)]) });
        }
      }
    }
    return found;
  }

  /** Addresses of swarm 0 that are duplicates (store/layout/key.ts). */
  duplicates(): string[] {
    const { store } = this;
    const shard = store.enter(new Uint32Array(INFO_HASH_WORDS));
    const entry = store.find(shard, new Uint32Array(INFO_HASH_WORDS));
    const found = ([4, 6] as const).flatMap((family) => {
      const cell = store.listCell(entry, family);
      const list = store.list(family);
      return Array.from({ length: list.count(cell) }, (_, position) => list.recordAt(cell, position))
        .filter((record) => isDuplicate(store.words[wordAOf(record, family)]))
        .map((record) => formatAddress(addressAt(store.words, record, family)));
    });
    store.leave(shard);
    return found;
  }

  scrape(swarm = 0): number[] {
    const request = new ScrapeRequest();
    const response = new ScrapeResponse();
    request.infoHashes[0] = swarm;
    request.count = 1;
    this.tracker.scrape(request, response);
    return [response.complete[0], response.incomplete[0], response.downloaded[0]];
  }
}

function addressAt(words: Uint32Array, record: number, family: Family): Address {
  const address = new Address();
  readAddress(words, record, family, address);
  return address;
}
