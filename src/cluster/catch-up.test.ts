/** What a node fetches: after its start, and when it has missed something. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clusterOf, makeStore, TestNetwork } from "../../test/support/cluster-network.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";

const { stopped, completed } = ANNOUNCE_EVENT;

/** The store of a node that is not running, with a peer that announced at a time in seconds. */
function storeWith(address: string, seconds: number): ReturnType<typeof makeStore> {
  const store = makeStore();
  const saver = new TrackerFixture({ store });
  saver.clock.seconds = seconds;
  saver.announce(address);
  return store;
}

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

  test("keeps what it has heard itself, though another node says a second later", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    network.nowMs = 1_800_000_000_980;
    for (const node of [a, b]) node.setClock();
    a.announce("11.0.0.1");
    network.run(1000);
    a.cluster.refetch();
    network.run(5000);
    assert.equal(a.status.state, "current");
    assert.deepEqual(a.all(true), ["0 11.0.0.1 6881"]);
    assert.deepEqual(b.all(true), ["0 11.0.0.1 6881 foreign"]);
  });

  test("gets all of it, though its question arrives late", () => {
    const [network, a, b] = clusterOf(["a", "b"]);
    network.fate = ({ subject }) => (subject.endsWith("records") ? [] : [0]);
    for (let i = 0; i < 20; i++) {
      a.announce(`11.0.0.${i}`);
      network.run(100);
    }
    // The first question is lost. The next one waits for its answer for longer.
    let asked = 0;
    network.fate = ({ subject }) => (subject.includes(".ask.") ? (asked++ === 0 ? [] : [3800]) : [0]);
    network.run(12_000);
    assert.deepEqual(b.all(), a.all());
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
    const saved = storeWith("11.0.0.1", a.clock.seconds);
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
    const saved = storeWith("11.0.0.1", a.clock.seconds);
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
