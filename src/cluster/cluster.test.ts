import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  makeStore,
  TestNetwork,
  type TestNode,
  type TestNodeOptions,
} from "../../test/support/cluster-network.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";

const { started, stopped, completed } = ANNOUNCE_EVENT;
const MB = 2 ** 20;

/** A cluster whose nodes have met. */
function clusterOf(names: readonly string[], options: TestNodeOptions = {}): [TestNetwork, ...TestNode[]] {
  const network = new TestNetwork();
  const nodes = names.map((name) => network.start(name, options));
  network.run(4000);
  for (const { status } of nodes) assert.equal(status.state, "current");
  return [network, ...nodes];
}

function megabytesOf({ activity }: TestNode): number {
  let sum = 0;
  for (let row = 0; row < activity.length; row += ACTIVITY_WIDTH) sum += activity[row + ACTIVITY.downloaded];
  return sum / MB;
}

describe("a cluster", () => {
  test("gives a peer that one node has heard to the clients of others", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    a.announce("11.0.0.1");
    a.announce("2001:db8:11::1", { port: 7000 });
    network.run(200);
    b.announce("11.0.0.2");
    assert.deepEqual(b.returnedAll(), ["11.0.0.1 6881", "2001:db8:11::1 7000"]);
    network.run(200);
    assert.deepEqual(a.all(), b.all());
    assert.equal(a.status.nodes[0].applied, 1);
  });

  test("removes a peer that stops at another node", () => {
    const [network, a, b, c] = clusterOf(["a", "b", "c"]);
    a.announce("11.0.0.1");
    network.run(2000);
    b.announce("11.0.0.1", { event: stopped });
    network.run(200);
    for (const node of [a, b, c]) assert.deepEqual(node.all(), []);
  });

  test("tells again of a peer whose stop elsewhere it has missed, though the peer is no news to itself", () => {
    const [network, a, b, c] = clusterOf(["a", "b", "c"]);
    a.announce("11.0.0.1");
    network.run(2000);
    // Node a hears nothing from b, and asks in vain.
    network.fate = ({ from, to }) => (from === b && to === a ? [] : [0]);
    b.announce("11.0.0.1", { event: stopped });
    network.run(2000);
    a.announce("11.0.0.1");
    network.run(2000);
    network.fate = () => [0];
    network.run(5000);
    for (const node of [a, b, c]) assert.deepEqual(node.all(), ["0 11.0.0.1 6881"]);
  });

  test("counts a download once, though its stop comes from a node that did not hear of it", () => {
    const [network, a, b, c] = clusterOf(["a", "b", "c"]);
    b.announce("11.99.0.1");
    network.run(1000);
    network.isCut = (one, other) => one === a || other === a;
    a.announce("11.0.0.1", { event: completed, left: 0 });
    network.run(2500);
    b.announce("11.0.0.1", { event: stopped, left: 0 });
    network.run(10_000);
    a.announce("11.0.0.1", { left: 0 });
    network.run(2500);
    network.isCut = () => false;
    network.run(20_000);
    for (const node of [a, b, c]) assert.deepEqual(node.scrape(), [1, 1, 1], node.name);
  });

  test("counts a download and bytes once, though the client alternates", () => {
    const [network, ...nodes] = clusterOf(["a", "b", "c"]);
    const say = (turn: number, fields: object) => {
      nodes[turn % 3].announce("11.0.0.1", { client: 7, ...fields });
      network.run(400_000);
    };
    say(0, { event: started, transferred: [0, 0] });
    for (let turn = 1; turn < 7; turn++) say(turn, { transferred: [turn * 10 * MB, 0] });
    say(7, { event: completed, left: 0, transferred: [80 * MB, 0] });
    for (let turn = 8; turn < 12; turn++) say(turn, { left: 0, transferred: [80 * MB, 0] });
    for (const node of nodes) assert.deepEqual(node.scrape(), [1, 0, 1]);
    assert.equal(
      nodes.map(megabytesOf).reduce((sum, each) => sum + each),
      80,
    );
  });

  test("counts bytes once, though the client asks two nodes in the same second", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    network.nowMs = 1_800_000_000_000;
    network.run(2000);
    for (const [turn, node] of [a, b, a, b].entries()) {
      node.announce("11.0.0.1", { client: 7, transferred: [turn * 10 * MB, 0] });
      network.run(200);
    }
    assert.equal(megabytesOf(a) + megabytesOf(b), 30);
  });

  test("tells of an announce that changes nothing once in five minutes, and of every one that comes from elsewhere", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    network.nowMs = 1_800_000_000_000;
    network.run(2000);
    for (let i = 0; i < 10; i++) {
      a.announce("11.0.0.1");
      network.run(1000);
    }
    assert.equal(a.status.sent.records, 1);
    b.announce("11.0.0.1");
    network.run(200);
    assert.deepEqual(a.all(true), ["0 11.0.0.1 6881 foreign"]);
    a.announce("11.0.0.1");
    network.run(200);
    assert.equal(a.status.sent.records, 2);
    assert.deepEqual(a.all(true), ["0 11.0.0.1 6881"]);
    network.run(300_000);
    a.announce("11.0.0.1");
    network.run(200);
    assert.equal(a.status.sent.records, 3);
  });

  test("replicates a bridge at once", () => {
    const [network, a, b] = clusterOf(["a", "b"], { selection: { policy: "bridged", bridges: 1 } });
    for (const host of [1, 2, 3, 4, 5]) a.announce(`11.0.0.${host}`);
    network.run(40);
    assert.deepEqual(b.all(), a.all());
    assert.equal(b.all().filter((line) => line.endsWith("marked")).length, 1);
  });

  test("tells of progress before another node takes a download for stalled", () => {
    const [network, a, b] = clusterOf(["a", "b"], { selection: { stallSeconds: 60 } });
    network.nowMs = 1_800_000_000_000;
    network.run(2000);
    for (let turn = 0; turn < 12; turn++) {
      a.announce("11.0.0.1", { left: 1000 - turn });
      network.run(10_000);
    }
    // Two minutes are four times half of the stall time.
    assert.equal(a.status.sent.records, 4);
    assert.equal(b.status.nodes[0].applied, 4);
  });

  test("tells the others what a neighbor has answered, after the announce that was the cause", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    const c = network.start("c", { site: "elsewhere" });
    network.run(4000);
    const none = new Uint8Array(0);
    const answer = { neighbor: "partner", complete: false, expiresIn: 60, peers: none, peers6: none };
    const infoHash = new Uint32Array(5);
    a.announce("11.0.0.1");
    a.cluster.share({ ...answer, infoHash });
    network.run(20);
    assert.deepEqual(b.shared, ["partner 1 true"]);
    assert.deepEqual(c.shared, ["partner 1 false"], "private addresses of another site are others");
    for (let i = 0; i < 600; i++) a.cluster.share({ ...answer, infoHash });
    network.run(20);
    assert.ok(b.status.refused.tooMany > 0);
    assert.ok(b.shared.length <= 1001);
  });

  test("does not store private addresses of another site, unless it is told to", () => {
    const network = new TestNetwork();
    const [a, b] = ["a", "b"].map((name) => network.start(name, { site: name }));
    const c = network.start("c", { site: "c", sharePrivate: true });
    network.run(4000);
    a.announce("10.1.0.1");
    a.announce("11.0.0.1");
    network.run(200);
    assert.equal(b.all().length, 1);
    assert.equal(c.all().length, 2);
    assert.equal(b.status.refused.private, 1);
  });
});

describe("a node that has missed something", () => {
  test("asks the node that it is from", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    network.fate = ({ subject }) => (subject.endsWith("records") ? [] : [0]);
    a.announce("11.0.0.1");
    a.announce("11.0.0.2");
    network.run(5000);
    a.announce("11.0.0.2", { event: stopped });
    network.run(5000);
    assert.deepEqual(b.all(), a.all());
    assert.equal(b.status.nodes[0].lost, 3);
    assert.ok(b.status.nodes[0].fetched > 0);
  });

  test("finds out when a ring was full", () => {
    const [network, a, b] = clusterOf(["a", "b"], { ringChanges: 8 });
    for (let i = 0; i < 50; i++) a.announce(`11.0.0.${i}`, { swarm: i % 5 });
    network.run(4000);
    assert.equal(a.status.dropped.ring, 42);
    assert.equal(b.all().length, 50);
  });

  test("finds out when the server of the other was too slow", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    a.isSlow = true;
    for (let i = 0; i < 30; i++) a.announce(`11.0.0.${i}`);
    network.run(500);
    a.isSlow = false;
    network.run(4000);
    assert.deepEqual(a.status.dropped, { ring: 0, disconnected: 0, slow: 30 });
    assert.equal(b.all().length, 30);
    assert.equal(b.status.nodes[0].lost, 30);
  });

  test("has the stops of the time when it was cut off, and its own announces are fetched", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    for (let i = 0; i < 40; i++) (i % 2 === 0 ? a : b).announce(`11.0.0.${i}`, { swarm: i % 3 });
    network.run(3000);
    network.isCut = () => true;
    network.run(60_000);
    for (let i = 0; i < 10; i++) a.announce(`11.0.0.${i}`, { swarm: i % 3, event: stopped });
    for (let i = 40; i < 60; i++) (i % 2 === 0 ? a : b).announce(`11.0.0.${i}`, { swarm: i % 3 });
    network.run(60_000);
    network.isCut = () => false;
    network.run(4000);
    assert.deepEqual(a.all(), b.all());
    assert.equal(a.all().length, 50);
  });

  test("asks another node for everything when the one that it is from is gone", () => {
    const [network, a, b, c] = clusterOf(["a", "b", "c"]);
    network.fate = ({ from, to, subject }) =>
      from === a && to === c && !subject.endsWith("beat") ? [] : [0];
    for (let i = 0; i < 20; i++) a.announce(`11.0.0.${i}`);
    network.run(1500);
    network.kill("a");
    network.run(10_000);
    assert.equal(b.all().length, 20);
    assert.deepEqual(c.all(), b.all());
  });

  test("fetches everything when it has started", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    for (let i = 0; i < 300; i++)
      (i % 2 === 0 ? a : b).announce(`11.0.${i >> 7}.${i & 127}`, { swarm: i % 7 });
    a.announce("12.0.0.1", { event: completed, left: 0, swarm: 3 });
    network.run(1000);
    const c = network.start("c");
    network.run(2000);
    assert.equal(c.status.state, "current");
    assert.deepEqual(c.all(), a.all());
    assert.deepEqual(c.scrape(3), a.scrape(3));
    const again = network.start("b");
    network.run(2000);
    assert.deepEqual(again.all(), a.all());
  });

  test("fetches everything, though it hears nothing any more just after it has started", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    a.announce("11.0.0.1");
    const saved = makeStore();
    const saver = new TrackerFixture({ store: saved });
    saver.clock.seconds = a.clock.seconds;
    saver.announce("11.0.0.1");
    network.run(2000);
    a.announce("11.0.0.1", { event: stopped });
    for (let i = 2; i < 20; i++) a.announce(`11.0.0.${i}`);
    network.run(70_000);
    for (const isConnected of [true, false]) {
      const c = network.start("c", {}, isConnected ? undefined : saved);
      network.run(500);
      network.isCut = (one, other) => one === c || other === c;
      c.isConnected = isConnected;
      network.run(20_000);
      network.isCut = () => false;
      c.isConnected = true;
      network.run(5000);
      assert.equal(c.status.state, "current");
      assert.deepEqual(c.all(), b.all());
    }
  });

  test("removes a peer of its database that had stopped at this node before it was killed", () => {
    const [network, a, b] = clusterOf(["a", "b", "c"]);
    a.announce("11.0.0.1");
    const saved = makeStore();
    const saver = new TrackerFixture({ store: saved });
    saver.clock.seconds = a.clock.seconds;
    saver.announce("11.0.0.1");
    network.run(2000);
    a.announce("11.0.0.1", { event: stopped });
    network.run(1000);
    const again = network.start("a", {}, saved);
    assert.equal(again.all().length, 1);
    network.run(5000);
    for (const node of [again, b]) assert.deepEqual(node.all(), []);
  });

  test("hears of the stops that a node was told before it was restarted from another one", () => {
    const [network, a, b, c] = clusterOf(["a", "b", "c"]);
    a.announce("11.0.0.1");
    network.run(2000);
    network.isCut = (one, other) => one === c || other === c;
    a.announce("11.0.0.1", { event: stopped });
    network.run(18_000);
    const again = network.start("a");
    // The others are met again before the node that has been restarted has caught up.
    network.isCut = () => false;
    network.run(10_000);
    for (const node of [again, b, c]) assert.deepEqual(node.all(), [], node.name);
  });

  test("gets the private addresses of its site, though it asks a node of another site for everything", () => {
    const network = new TestNetwork();
    const [a] = ["a", "b"].map((name) => network.start(name, { site: "west" }));
    network.start("c", { site: "east" });
    network.run(4000);
    a.announce("10.1.0.1");
    network.run(70_000);
    // Of the node at its own site it does not hear in time that it has caught up.
    network.fate = ({ from, subject }) => (from === a && subject.endsWith("beat") ? [] : [0]);
    const b = network.start("b", { site: "west" });
    network.run(300);
    a.announce("11.0.0.1");
    network.run(600);
    network.fate = () => [0];
    network.run(5000);
    assert.deepEqual(b.all(), a.all());
    assert.equal(b.all().length, 2);
  });

  test("has caught up without a node that is heard, but answers nothing", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    for (let i = 0; i < 20; i++) a.announce(`11.0.0.${i}`);
    a.announce("11.0.0.99", { event: completed, left: 0 });
    network.run(70_000);
    network.fate = ({ from, subject }) => (from === a && subject.includes(".answer") ? [] : [0]);
    const c = network.start("c");
    network.run(25_000);
    assert.equal(c.status.state, "current");
    assert.deepEqual(c.all(), b.all());
    assert.deepEqual(c.scrape(), b.scrape());
    assert.ok(c.status.nodes.some(({ node, unanswered }) => node === "a" && unanswered >= 3));
    // It is asked again from time to time.
    network.fate = () => [0];
    network.run(15_000);
    assert.ok(c.status.nodes.every(({ unanswered }) => unanswered === 0));
  });

  test("has caught up with what it has, if the only other node answers nothing", () => {
    const [network, a] = clusterOf(["a"]);
    a.announce("11.0.0.1");
    network.run(2000);
    network.fate = ({ from, subject }) => (from === a && subject.includes(".answer") ? [] : [0]);
    const b = network.start("b");
    network.run(25_000);
    assert.equal(b.status.state, "current");
    assert.deepEqual(b.all(), []);
    network.fate = () => [0];
    network.run(15_000);
    assert.deepEqual(b.all(), a.all());
  });

  test("fetches ranges whose digests differ three times", () => {
    const [network, a, b] = clusterOf(["a", "b"], { digestMs: 5000 });
    for (let i = 0; i < 20; i++) a.announce(`11.0.0.${i}`, { swarm: i << 24 });
    network.run(1000);
    // A peer that is lost without a trace.
    const shard = b.store.enter(Uint32Array.of(5 << 24, 0, 0, 0, 0));
    const entry = b.store.find(shard, Uint32Array.of(5 << 24, 0, 0, 0, 0));
    b.store.removePeer(shard, entry, 4, 0);
    b.store.removeIfEmpty(shard, entry);
    b.store.leave(shard);
    network.run(30_000);
    assert.deepEqual(b.all(), a.all());
    assert.equal(b.status.digest.refetched, 1);
    assert.equal(b.status.digest.differing, 0);
  });
});

describe("messages that a node refuses", () => {
  test("those of another cluster, of another secret, and under its own name", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    const stranger = network.start("x", { secret: new TextEncoder().encode("another secret of a test") });
    network.start("y", { cluster: "other" });
    stranger.announce("11.9.9.9");
    network.run(2000);
    assert.deepEqual(a.all(), []);
    assert.ok(a.status.refused.foreign > 0);
    assert.ok(a.status.refused.garbage > 0, "the subject of another cluster");
    const twin = new TestNetwork();
    const double = twin.start("b");
    network.nodes.push(double);
    double.announce("11.8.8.8");
    network.run(1500);
    assert.ok(b.status.refused.ownName === 0);
    b.cluster.receive("btrt1.test.b.beat", new Uint8Array(50));
    assert.equal(b.status.sameName, true);
  });
});
