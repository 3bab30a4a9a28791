/** Cluster threads with a real nats-server, and stores that trackers in this process write to. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { Bed, until } from "../../test/support/bed.ts";
import { NATS_TOOLS, type NatsServer, startNats } from "../../test/support/nats.ts";
import { toolsMissing } from "../../test/support/tools.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { clockBase, readClock } from "../platform/clock.ts";
import { CLUSTER_THREAD, CONTROL_PLANE, lock } from "../store/shard-lock.ts";
import { allocateSwarmStore, LOCK_STRIDE } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { allocateReplicationRing } from "../tasks/replication-ring.ts";
import { groupsDataOf, TEST_GROUPS, TrackerFixture } from "../tracker/tracker-fixture.ts";
import { ClusterThread } from "./cluster-thread.ts";
import { deriveSecrets } from "./secrets.ts";

const skip = toolsMissing(NATS_TOOLS);
const SECRET = new TextEncoder().encode("a secret of a test, long enough");

/** A tracker with its thread. */
class Node extends TrackerFixture {
  readonly thread: ClusterThread;
  readonly crashes: unknown[] = [];
  readonly statuses: string[] = [];
  readonly shared: string[] = [];
  readonly data;
  readonly #base = clockBase();

  constructor(t: TestContext, node: string, server: NatsServer, script?: URL) {
    const settings = {
      name: "test",
      node,
      site: "main",
      servers: [server.url],
      ca: null,
      credentials: null,
      secret: SECRET,
      sharePrivate: false,
    };
    const ring = allocateReplicationRing();
    const store = allocateSwarmStore(10_000, 2, deriveSecrets(settings).hashKey);
    super({ store, replication: ring });
    this.data = store;
    const view = new SwarmStore(store, CONTROL_PLANE);
    const rules = {
      groups: groupsDataOf(TEST_GROUPS),
      peerExpiry: 3900,
      stallSeconds: 600,
      minDwell: 0,
      interval: 1800,
    };
    const parts = { settings, version: "0.1.0", store, view, rules, rings: [ring], clockBaseMs: this.#base };
    this.thread = new ClusterThread(script === undefined ? parts : { ...parts, script }, {
      nodeStatus: (other, bytes) => this.statuses.push(`${other} ${new TextDecoder().decode(bytes)}`),
      shared: (answer, sharesPrivate) => this.shared.push(`${answer.neighbor} ${sharesPrivate}`),
      reported: () => {},
      crashed: (error) => this.crashes.push(error),
    });
    this.tick();
    this.thread.start();
    t.after(() => this.thread.stop());
  }

  tick(): void {
    this.clock.seconds = readClock(this.#base);
  }

  hear(address: string, event: keyof typeof ANNOUNCE_EVENT = "none"): void {
    this.tick();
    this.announce(address, { event: ANNOUNCE_EVENT[event] });
  }

  addresses(): string[] {
    return this.peers()
      .map(({ address }) => address)
      .sort();
  }

  get count(): number {
    return this.peers().length;
  }

  async ready(): Promise<void> {
    await until("the node has caught up", () => this.thread.status?.state === "current");
  }
}

describe("cluster threads", { skip, timeout: 300_000 }, () => {
  test("have the peers of each other, also when the server was gone, and when a node starts later", async (t) => {
    const bed = await Bed.open(t);
    const [server] = await startNats(bed);
    const [a, b] = ["a", "b"].map((name) => new Node(t, name, server));
    await Promise.all([a.ready(), b.ready()]);
    a.hear("11.0.0.1");
    b.hear("11.0.0.2");
    await until("both have both", () => a.count === 2 && b.count === 2);
    await server.kill();
    await until("the loss is noticed", () => a.thread.status?.connected === false);
    a.hear("11.0.0.3");
    a.hear("11.0.0.2", "stopped");
    await until("changes are dropped", () => (a.thread.status?.dropped.disconnected ?? 0) >= 2);
    await server.start();
    for (const node of [a, b])
      await until("both have what was missed", () => node.addresses().join() === "11.0.0.1,11.0.0.3");
    const c = new Node(t, "c", server);
    await c.ready();
    assert.equal(c.count, 2);
    a.thread.publishStatus(new TextEncoder().encode("hello"));
    await until("the page of a is known", () => b.statuses.includes("a hello"));
    const infoHash = new Uint32Array(5);
    const none = new Uint8Array(0);
    a.thread.share({
      neighbor: "partner",
      infoHash,
      complete: false,
      expiresIn: 1,
      peers: none,
      peers6: none,
    });
    await until("what a neighbor is asked is known", () => b.shared.includes("partner true"));
  });

  test("are replaced when they crash, and the shards that they held are emptied", async (t) => {
    const bed = await Bed.open(t);
    const [server] = await startNats(bed);
    const script = new URL("../../test/dying-cluster-thread.ts", import.meta.url);
    const a = new Node(t, "a", server, script);
    a.hear("11.0.0.1");
    await until("it crashes", () => a.crashes.length > 0);
    await until("the shards are free again", () => {
      lock(a.data.locks, 0, CLUSTER_THREAD);
      a.data.locks[0] = 0;
      return a.data.locks[LOCK_STRIDE] === 0;
    });
    assert.match(String(a.crashes[0]), /on purpose/);
  });
});
