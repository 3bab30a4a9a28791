import assert from "node:assert/strict";
import { test } from "node:test";
import { GateRig } from "../../test/support/gate-rig.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { makeKey } from "../store/layout/key.ts";
import { ARRIVAL_BYTES, writeArrival, writeGateTask } from "../tasks/gate-task.ts";
import type { Announced } from "../tracker/tracker-fixture.ts";

const NO_HASH = "0".repeat(40);

test("with one downloader nothing is gated; with two, those that are no bridge are closed", () => {
  const rig = new GateRig();
  rig.announce("11.0.0.1");
  assert.deepEqual(rig.lists(), { refused: [], closed: [], hosts: [], far: [] });
  rig.announce("11.0.0.2");
  assert.ok(rig.fixture.isBridge("11.0.0.1"));
  const closed = { refused: [`11.0.0.2 ${NO_HASH}`], closed: ["11.0.0.2 6881"], hosts: ["11.0.0.2"] };
  assert.deepEqual(rig.lists(), { ...closed, far: [] });
  rig.announce("99.0.0.1", { port: 51413 });
  rig.round();
  assert.deepEqual(rig.lists(), { ...closed, far: ["99.0.0.1 51413"] });
  rig.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped });
  assert.deepEqual(rig.lists(), { refused: [], closed: [], hosts: [], far: [] });
});

test("an endpoint with another torrent is closed as well, and only handshakes of the gated one are refused", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`);
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881"]);
  rig.announce("11.0.0.3", { swarm: 7 });
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881"]);
  assert.deepEqual(rig.list("hosts"), ["11.0.0.2", "11.0.0.3"]);
  assert.deepEqual(rig.list("refused"), [`11.0.0.2 ${NO_HASH}`, `11.0.0.3 ${NO_HASH}`]);
  rig.announce("11.0.0.3", { event: ANNOUNCE_EVENT.stopped });
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881"], "the torrent that is left is not gated");
});

test("who gets nothing is open at the second announce without progress, and stays so for a while", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3, 4]) rig.announce(`11.0.0.${host}`, { left: 1000 });
  for (const left of [950, 900]) {
    assert.equal(rig.list("closed").length, 3);
    rig.pass(300);
    for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`, { left });
    rig.announce("11.0.0.4", { left: 1000 });
  }
  assert.ok(!rig.fixture.isBridge("11.0.0.4"));
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881"]);
  const announceAll = (left: number) => {
    rig.pass(300);
    for (const host of [1, 2, 3, 4]) rig.announce(`11.0.0.${host}`, { left });
  };
  // It gets on from outside, and is not closed at once.
  announceAll(800);
  assert.equal(rig.list("closed").length, 2);
  announceAll(700);
  assert.equal(rig.list("closed").length, 3);
});

test("the gate opens when nobody is heard of, and is not on again before long", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`, { left: 1000 });
  assert.equal(rig.list("closed").length, 2);
  rig.pass(376);
  assert.deepEqual(rig.lists(), { refused: [], closed: [], hosts: [], far: [] });
  for (const host of [2, 3]) rig.announce(`11.0.0.${host}`, { left: 900 });
  assert.deepEqual(rig.list("closed"), []);
  rig.pass(300);
  for (const host of [2, 3]) rig.announce(`11.0.0.${host}`, { left: 800 });
  rig.pass(300);
  for (const host of [2, 3]) rig.announce(`11.0.0.${host}`, { left: 700 });
  assert.deepEqual(rig.list("closed"), ["11.0.0.1 6881", "11.0.0.3 6881"], "the old bridge is silent");
});

test("when the bridge is lost, the member with most of the file stands in at once", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3, 4]) rig.announce(`11.0.0.${host}`, { left: 1000 });
  rig.pass(200);
  for (const [i, host] of [2, 3, 4].entries()) rig.announce(`11.0.0.${host}`, { left: [950, 900, 950][i] });
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881", "11.0.0.4 6881"]);
  rig.pass(176);
  assert.deepEqual(rig.list("closed"), ["11.0.0.1 6881", "11.0.0.2 6881", "11.0.0.4 6881"]);
  // The policy's next bridge does not replace it.
  rig.announce("11.0.0.2", { left: 940 });
  assert.ok(rig.fixture.isBridge("11.0.0.2"));
  assert.deepEqual(rig.list("closed"), ["11.0.0.1 6881", "11.0.0.2 6881", "11.0.0.4 6881"]);
  // The others get the file from it when it is complete.
  rig.announce("11.0.0.3", { left: 0, event: ANNOUNCE_EVENT.completed });
  assert.equal(rig.list("closed").length, 4);
  assert.deepEqual(rig.cut, []);
  // Unless it passes on little.
  for (const left of [930, 920]) {
    rig.pass(200);
    for (const host of [1, 2, 4]) rig.announce(`11.0.0.${host}`, { left });
  }
  assert.deepEqual(rig.list("closed"), ["11.0.0.1 6881", "11.0.0.3 6881", "11.0.0.4 6881"]);
});

test("who stands in for a lost bridge may bring something in before another one is open beside it", () => {
  const rig = new GateRig();
  const announceAll = (first: number, others: number) => {
    rig.announce("11.0.0.2", { left: first });
    for (const host of [3, 4, 5]) rig.announce(`11.0.0.${host}`, { left: others });
  };
  rig.announce("11.0.0.1", { left: 1000 });
  announceAll(1000, 1000);
  rig.pass(300);
  rig.announce("11.0.0.1", { left: 950 });
  announceAll(955, 970);
  rig.pass(250);
  // The next one gets nothing as well, as the bridge is lost.
  announceAll(955, 965);
  rig.pass(130);
  const closed = ["11.0.0.1 6881", "11.0.0.3 6881", "11.0.0.4 6881", "11.0.0.5 6881"];
  for (let seconds = 0; seconds < 120; seconds += 15) {
    rig.pass(15);
    assert.deepEqual(rig.list("closed"), closed);
  }
});

test("when the bridge gets nothing, one more is open; when all get nothing, all are", () => {
  const rig = new GateRig();
  const announceAll = () => {
    for (const host of [1, 2, 3, 4, 5]) rig.announce(`11.0.0.${host}`, { left: 1000 });
  };
  announceAll();
  assert.equal(rig.list("closed").length, 4);
  rig.pass(300);
  announceAll();
  assert.equal(rig.list("closed").length, 3);
  rig.pass(300);
  announceAll();
  assert.deepEqual(rig.list("closed"), []);
});

test("when the bridge passes on little, another one is open in its place, and its connections are cut", () => {
  const rig = new GateRig();
  const announceAll = (bridge: number, others: number) => {
    for (const host of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      const isFirst = host === 1;
      rig.announce(`11.0.0.${host}`, { left: isFirst ? bridge : others });
    }
  };
  announceAll(1000, 1000);
  for (const [bridge, others] of [
    [950, 985],
    [900, 975],
  ]) {
    rig.pass(300);
    announceAll(bridge, others);
    rig.round();
    assert.deepEqual(rig.cut, [], "the others are more than a third as fast");
  }
  rig.pass(300);
  announceAll(700, 970);
  rig.round();
  assert.deepEqual(rig.cut, ["11.0.0.1 6881"]);
  const closed = rig.list("closed");
  assert.equal(closed.length, 8);
  assert.ok(closed.includes("11.0.0.1 6881"));
  // Now the others get on.
  for (let left = 800; left > 400; left -= 100) {
    rig.pass(300);
    announceAll(left, left + 10);
    assert.deepEqual(rig.list("closed"), closed);
    assert.deepEqual(rig.cut, []);
  }
});

test("bridge and others are compared from announce to announce, and a bridge that was opened later from then on", () => {
  const rig = new GateRig();
  rig.announce("11.0.0.1", { left: 1000 });
  rig.pass(300);
  rig.announce("11.0.0.1", { left: 500 });
  // It was alone so far.
  rig.pass(200);
  rig.announce("11.0.0.2", { left: 1000 });
  for (const left of [400, 300]) {
    rig.pass(100);
    rig.announce("11.0.0.1", { left });
    rig.round();
    assert.deepEqual(
      rig.list("closed"),
      ["11.0.0.2 6881"],
      "the other one has not announced since, or gets on",
    );
    rig.pass(200);
    rig.announce("11.0.0.2", { left: left + 530 });
    rig.round();
  }
  rig.pass(100);
  rig.announce("11.0.0.1", { left: 150 });
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881"]);
});

test("when the bridge has completed, its copy is enough", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`, { left: 1000 });
  rig.announce("11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.completed });
  assert.deepEqual(rig.list("refused").length, 3);
  rig.announce("11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.stopped });
  assert.deepEqual(rig.list("refused").length, 1, "one of the two stands in for it");
});

test("homes are gated each by itself: what is closed in one is no member of another", () => {
  const rig = new GateRig({ home: "group" });
  for (const address of ["11.0.0.1", "11.0.0.2", "12.0.0.1", "12.0.0.2"]) rig.announce(address);
  rig.announce("11.0.0.2", { swarm: 7 });
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "12.0.0.2 6881"]);
  assert.deepEqual(rig.list("refused"), [`11.0.0.2 ${NO_HASH}`, `12.0.0.2 ${NO_HASH}`]);
  rig.announce("12.0.0.1", { event: ANNOUNCE_EVENT.stopped });
  rig.gate.watch.tables.takeChanges();
  assert.deepEqual(rig.list("refused"), [`11.0.0.2 ${NO_HASH}`]);
});

test("a client that has left one torrent keeps its connections of another when a third one closes it", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`, { swarm: 1 });
  assert.deepEqual(rig.cut, ["11.0.0.3 6881"]);
  rig.announce("11.0.0.3", { swarm: 2 });
  rig.announce("11.0.0.3", { swarm: 1, event: ANNOUNCE_EVENT.stopped });
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`, { swarm: 3 });
  assert.ok(rig.list("closed").includes("11.0.0.3 6881"));
  assert.deepEqual(rig.cut, []);
});

test("a refused download that leaves is no task as long as others are there, and a round finds that it has left", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`);
  const { tasks } = rig;
  rig.announce("11.0.0.3", { event: ANNOUNCE_EVENT.stopped });
  assert.equal(rig.tasks, tasks);
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881"]);
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881"]);
  rig.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped });
  assert.equal(rig.tasks, tasks + 1, "the bridge is left alone");
  assert.deepEqual(rig.lists(), { refused: [], closed: [], hosts: [], far: [] });
});

test("a stop of a client that is not stored is no task", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`);
  const { tasks } = rig;
  rig.announce("11.0.0.4", { event: ANNOUNCE_EVENT.stopped });
  assert.equal(rig.tasks, tasks);
});

test("a download that comes back is closed without a look, and a copy that becomes a download is not", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`);
  const { counts } = rig.gate.watch;
  const comeBack = () => {
    rig.announce("11.0.0.3", { event: ANNOUNCE_EVENT.stopped });
    const { looks } = counts;
    rig.announce("11.0.0.3");
    assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881"]);
    return counts.looks - looks;
  };
  assert.equal(comeBack(), 0);
  rig.announce("11.0.0.3", { left: 0, event: ANNOUNCE_EVENT.completed });
  const { looks } = counts;
  rig.gate.request(arrivalOf(rig, "11.0.0.3"));
  rig.gate.settle(false);
  assert.equal(counts.looks, looks + 1);
  rig.announce("11.0.0.3");
  assert.equal(comeBack(), 0);
});

test("a downloader that comes to a gated torrent with a bridge is closed without a look at the others", () => {
  const rig = new GateRig();
  for (const host of [1, 2]) rig.announce(`11.0.0.${host}`);
  const { looks } = rig.gate.watch.counts;
  rig.announce("11.0.0.3");
  rig.announce("11.0.0.3", { port: 7000, client: 99 });
  assert.equal(rig.gate.watch.counts.looks, looks);
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881", "11.0.0.3 6881", "11.0.0.3 7000"]);
  assert.deepEqual(rig.list("refused"), [`11.0.0.2 ${NO_HASH}`, `11.0.0.3 ${NO_HASH}`]);
  // Behind the address of the bridge, the torrent is not refused.
  rig.announce("11.0.0.1", { port: 7000, client: 98 });
  assert.deepEqual(rig.list("refused"), [`11.0.0.2 ${NO_HASH}`, `11.0.0.3 ${NO_HASH}`]);
  const lists = rig.lists();
  rig.round();
  assert.deepEqual(rig.lists(), lists);
  for (const port of [6881, 7000])
    rig.announce("11.0.0.3", { port, event: ANNOUNCE_EVENT.stopped, client: 99 });
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.1 7000", "11.0.0.2 6881"]);
  assert.deepEqual(rig.list("hosts"), ["11.0.0.1", "11.0.0.2"]);
});

test("a downloader that comes behind the address of somebody who stands in for a bridge does not take his place", () => {
  const rig = new GateRig();
  for (const address of ["11.0.0.1", "11.0.0.2", "12.0.0.4", "11.0.0.5", "99.0.0.2"])
    rig.announce(address, { left: 1000 });
  rig.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped });
  rig.round();
  rig.announce("12.0.0.4", { left: 1000 });
  assert.deepEqual(rig.list("closed"), ["11.0.0.5 6881", "12.0.0.4 6881"]);
  rig.announce("11.0.0.2", { left: 990, port: 7000, client: 99 });
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 7000", "11.0.0.5 6881", "12.0.0.4 6881"]);
});

test("an element is told once, and not once for each home", () => {
  const rig = new GateRig({ home: "group" });
  rig.publish = () => {};
  for (const address of ["11.0.0.1", "11.0.0.2", "12.0.0.1", "12.0.0.2"]) rig.announce(address);
  const { refused = [] } = rig.gate.watch.tables.takeChanges().add;
  assert.deepEqual([...refused].sort(), [`11.0.0.2 ${NO_HASH}`, `12.0.0.2 ${NO_HASH}`]);
});

test("a single downloader is closed where three proven copies are at home, and only there", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) {
    rig.announce(`11.0.0.${host}`, { left: 1000 });
    rig.announce(`11.0.0.${host}`, { left: 0, event: ANNOUNCE_EVENT.completed });
  }
  rig.announce("11.0.0.9", { left: 1000 });
  assert.ok(rig.list("refused").includes(`11.0.0.9 ${NO_HASH}`));
  rig.announce("11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.stopped });
  assert.deepEqual(rig.list("refused"), []);
  // A second copy at one address is none.
  rig.announce("11.0.0.2", { port: 7000, client: 77, left: 1000 });
  rig.announce("11.0.0.2", { port: 7000, client: 77, left: 0, event: ANNOUNCE_EVENT.completed });
  assert.deepEqual(rig.list("refused"), []);
});

test("where copies feed a home that were no bridges, a member that the policy marks is open", () => {
  const rig = new GateRig();
  for (const host of [1, 2]) {
    rig.announce(`11.0.0.${host}`, { left: 1000 });
    rig.announce(`11.0.0.${host}`, { left: 0, event: ANNOUNCE_EVENT.completed });
  }
  const hosts = [3, 4, 5, 6, 7];
  for (const host of hosts) rig.announce(`11.0.0.${host}`, { left: 1900 });
  rig.round();
  assert.equal(rig.list("closed").length, 7);
  const isMarked = () => hosts.filter((host) => rig.fixture.isBridge(`11.0.0.${host}`));
  for (let left = 1899; isMarked().length === 0 && left > 1880; left--) {
    rig.pass(300);
    for (const host of [1, 2]) rig.announce(`11.0.0.${host}`, { left: 0 });
    for (const host of hosts) rig.announce(`11.0.0.${host}`, { left });
  }
  const [marked] = isMarked();
  assert.ok(marked !== undefined);
  assert.ok(!rig.list("closed").includes(`11.0.0.${marked} 6881`));
  assert.equal(rig.list("closed").length, 6);
});

test("a torrent that is announced to an ignored tracker is never gated", () => {
  const rig = new GateRig();
  for (const host of [1, 2]) rig.announce(`11.0.0.${host}`);
  assert.equal(rig.list("closed").length, 1);
  rig.gate.ungate(new Uint8Array(20));
  rig.gate.settle(false);
  rig.publish();
  assert.deepEqual(rig.lists(), { refused: [], closed: [], hosts: [], far: [] });
  rig.round();
  assert.deepEqual(rig.list("closed"), []);
});

test("a client with two addresses is open at both as a bridge, and closed at both otherwise", () => {
  const rig = new GateRig();
  const clients = [1, 2, 3].map((host) => [`11.0.0.${host}`, `2001:db8:11::${host}`]);
  const announce = (client: number, lane: number, fields: Announced = {}) =>
    rig.announce(clients[client][lane], { client: 1 + client, ...fields });
  // All have the same port, and the few bits of identity that a record has.
  for (const client of clients.keys()) {
    rig.pass(10, false);
    for (const lane of [0, 1]) announce(client, lane);
  }
  const closed = (...hosts: number[]) =>
    hosts.flatMap((host) => [`11.0.0.${host} 6881`, `2001:db8:11::${host} 6881`]).sort();
  assert.deepEqual(rig.list("closed"), closed(2, 3));
  for (const client of [2, 0, 1]) {
    rig.pass(100, false);
    for (const lane of [1, 0]) announce(client, lane, { left: 90 });
  }
  assert.deepEqual(rig.list("closed"), closed(2, 3));
});

/** The task of a downloader that comes to the first torrent. */
function arrivalOf(rig: GateRig, text: string): Uint8Array {
  const bytes = new Uint8Array(ARRIVAL_BYTES);
  const address = parseAddress(text);
  writeGateTask(bytes, new Uint32Array(INFO_HASH_WORDS));
  writeArrival(bytes, address, 6881, makeKey(rig.fixture.groups.groupOf(address), false, false));
  return bytes;
}
