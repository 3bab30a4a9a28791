/** A cluster in one process and in virtual time, for tests: trackers, and a network that loses and delays messages. */
import assert from "node:assert/strict";
import { Cluster } from "../../src/cluster/cluster.ts";
import { deriveSecrets } from "../../src/cluster/secrets.ts";
import type { ClusterStatus } from "../../src/cluster/status.ts";
import { Address } from "../../src/model/address.ts";
import { formatAddress } from "../../src/model/address-text.ts";
import { hasMark, isComplete, isForeign, isLearned, portOf } from "../../src/store/layout/key.ts";
import { readAddress, wordAOf } from "../../src/store/layout/peer.ts";
import { allocateSwarmStore, type SwarmStoreData } from "../../src/store/store-memory.ts";
import { SwarmStore } from "../../src/store/swarm-store.ts";
import { allocateReplicationRing, type ReplicationRingData } from "../../src/tasks/replication-ring.ts";
import {
  groupsDataOf,
  TEST_GROUPS,
  type TestSelection,
  TrackerFixture,
} from "../../src/tracker/tracker-fixture.ts";
import type { Spoken } from "./next-version/messages.ts";

const SECRET = new TextEncoder().encode("a secret of a test, long enough");
const HOLDER = 2;
const TICK_MS = 20;

/** What differs from an ordinary node. */
export interface TestNodeOptions {
  readonly site?: string;
  readonly cluster?: string;
  readonly secret?: Uint8Array;
  readonly skewMs?: number;
  readonly sharePrivate?: boolean;
  readonly maxPeers?: number;
  readonly minDwell?: number;
  readonly ringChanges?: number;
  readonly selection?: TestSelection;
  readonly digestMs?: number;
  /** What the node sends in place of a message: it has another version. */
  readonly speak?: (subject: string, bytes: Uint8Array) => readonly Spoken[];
}

interface Parcel {
  readonly from: TestNode;
  readonly to: TestNode;
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** A network between nodes, with the time. */
export class TestNetwork {
  nowMs = 1_700_000_000_000;
  readonly nodes: TestNode[] = [];
  /** Decides what happens to a message to one node: the delays of its copies in milliseconds; none: it is lost. */
  fate: (parcel: Omit<Parcel, "atMs">) => readonly number[] = () => [0];
  /** Whether two nodes are apart. */
  isCut: (a: TestNode, b: TestNode) => boolean = () => false;
  #parcels: Parcel[] = [];
  #boots = 1000;

  /** Starts a node, or another one with the same name in its place. */
  start(name: string, options: TestNodeOptions = {}, store?: SwarmStoreData): TestNode {
    this.kill(name);
    const node = new TestNode(this, name, this.#boots++, options, store);
    this.nodes.push(node);
    return node;
  }

  /** Removes a node. */
  kill(name: string): void {
    const at = this.nodes.findIndex((node) => node.name === name);
    if (at !== -1) this.nodes.splice(at, 1);
    this.#parcels = this.#parcels.filter(({ to }) => this.nodes.includes(to));
  }

  send(from: TestNode, subject: string, bytes: Uint8Array): void {
    for (const to of this.nodes) {
      if (to === from || this.isCut(from, to)) continue;
      const [, , , , other] = subject.split(".");
      if (other !== undefined && other !== to.name) continue;
      for (const delay of this.fate({ from, to, subject, bytes }))
        this.#parcels.push({ from, to, subject, bytes: bytes.slice(), atMs: this.nowMs + delay });
    }
  }

  /** Lets time pass. */
  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += Math.min(TICK_MS, end - this.nowMs);
      for (const node of this.nodes) {
        node.setClock();
        node.cluster.tick();
      }
      this.#deliver();
    }
  }

  #deliver(): void {
    for (;;) {
      const due = this.#parcels.findIndex(({ atMs }) => atMs <= this.nowMs);
      if (due === -1) return;
      const [{ to, subject, bytes }] = this.#parcels.splice(due, 1);
      to.cluster.receive(subject, bytes);
    }
  }
}

/** An empty store of a node. */
export function makeStore(
  maxPeers = 2000,
  { hashKey } = deriveSecrets({ name: "test", secret: SECRET }),
): SwarmStoreData {
  return allocateSwarmStore(maxPeers, 2, hashKey);
}

/** A tracker that is a node. */
export class TestNode extends TrackerFixture {
  readonly name: string;
  readonly cluster: Cluster;
  isConnected = true;
  /** What neighbors have answered to others: the neighbor, how many peers were here, and whether private ones count. */
  readonly shared: string[] = [];
  /** Whether its server acknowledges nothing: no records are sent. */
  isSlow = false;
  readonly #network: TestNetwork;
  readonly #skewMs: number;
  readonly #speak: TestNodeOptions["speak"];

  constructor(
    network: TestNetwork,
    name: string,
    boot: number,
    options: TestNodeOptions,
    store?: SwarmStoreData,
  ) {
    const { cluster = "test", secret = SECRET, maxPeers = 2000, skewMs = 0 } = options;
    const secrets = deriveSecrets({ name: cluster, secret });
    const data = store ?? makeStore(maxPeers, secrets);
    const ring: ReplicationRingData = allocateReplicationRing(options.ringChanges ?? 1024);
    super({
      store: data,
      replication: ring,
      minDwell: options.minDwell ?? 0,
      selection: options.selection ?? {},
    });
    this.name = name;
    this.#network = network;
    this.#skewMs = skewMs;
    this.#speak = options.speak;
    this.setClock();
    this.cluster = new Cluster({
      settings: {
        name: cluster,
        node: name,
        site: options.site ?? "main",
        sharePrivate: options.sharePrivate ?? false,
      },
      secrets,
      boot,
      version: "0.1.0",
      store: new SwarmStore(data, HOLDER),
      rules: {
        groups: groupsDataOf(TEST_GROUPS),
        peerExpiry: 3900,
        stallSeconds: 600,
        minDwell: options.minDwell ?? 0,
        interval: 1800,
      },
      rings: [ring],
      bus: this,
      now: () => network.nowMs + skewMs,
      digestMs: options.digestMs,
      onShared: ({ neighbor }, sharesPrivate) =>
        this.shared.push(`${neighbor} ${this.all().length} ${sharesPrivate}`),
      sizes: { tombstones: 1 << 12, events: 1 << 10 },
    });
  }

  setClock(): void {
    this.clock.seconds = Math.floor((this.#network.nowMs + this.#skewMs) / 1000);
  }

  publish(subject: string, bytes: Uint8Array): "sent" | "disconnected" | "slow" {
    if (!this.isConnected) return "disconnected";
    if (this.isSlow && subject.endsWith("records")) return "slow";
    for (const spoken of this.#speak?.(subject, bytes) ?? [{ subject, bytes }])
      this.#network.send(this, spoken.subject, spoken.bytes);
    return "sent";
  }

  get status(): ClusterStatus {
    return this.cluster.status({
      connected: this.isConnected,
      server: null,
      serverVersion: null,
      reconnects: 0,
      lastError: null,
      roundTripMs: null,
    });
  }

  /** All announced peers, each in a line, in order. @param withForeign says which ones were heard elsewhere. */
  all(withForeign = false): string[] {
    const { store } = this;
    const { words } = store;
    const found: string[] = [];
    const address = new Address();
    for (let shard = 0; shard < store.shards; shard++) {
      for (let number = 0; number < store.swarmsIn(shard); number++) {
        const entry = store.swarmAt(shard, number);
        for (const family of [4, 6] as const) {
          const cell = store.listCell(entry, family);
          const list = store.list(family);
          for (let position = 0; position < list.count(cell); position++) {
            const record = list.recordAt(cell, position);
            const key = words[wordAOf(record, family)];
            if (isLearned(key)) continue;
            readAddress(words, record, family, address);
            const facts = [isComplete(key) && "complete", hasMark(key) && "marked"];
            const whose = withForeign && isForeign(key) ? ["foreign"] : [];
            const words5 = [words[entry], formatAddress(address), portOf(key), ...facts, ...whose];
            found.push(words5.filter((each) => each !== false).join(" "));
          }
        }
      }
    }
    return found.sort();
  }
}

/** A cluster whose nodes have met, and its network. */
export function clusterOf(
  names: readonly string[],
  options: TestNodeOptions = {},
): [TestNetwork, ...TestNode[]] {
  const network = new TestNetwork();
  const nodes = names.map((name) => network.start(name, options));
  network.run(4000);
  for (const { status } of nodes) assert.equal(status.state, "current");
  return [network, ...nodes];
}
