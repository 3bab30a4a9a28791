import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clusterOf, TestNetwork, type TestNode } from "../../test/support/cluster-network.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";

const { started, stopped, completed } = ANNOUNCE_EVENT;
const MB = 2 ** 20;

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
