/** What lying clients and trackers can do to the gate: the table in docs/gate.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GateRig } from "../../test/support/gate-rig.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";

const HONEST = [11, 12, 13, 14].map((host) => `11.0.0.${host}`);
const INTERVAL = 300;

/** Honest clients announce again and have got nothing, unless they are open. @returns how many are closed. */
function starve(rig: GateRig, left: Map<string, number>): number {
  for (const address of HONEST) {
    const isOpen = !rig.list("closed").includes(`${address} 6881`);
    left.set(address, (left.get(address) ?? 1000) - (isOpen ? 5 : 0));
    rig.announce(address, { left: left.get(address) ?? 0 });
  }
  return rig.list("closed").filter((endpoint) => endpoint.startsWith("11.0.0.1")).length;
}

/** How much of a day the honest clients are closed, on average, while liars lie all day. */
function closedShare(lie: (rig: GateRig, round: number) => void): number {
  const rig = new GateRig();
  const left = new Map<string, number>();
  let closed = 0;
  const rounds = 86_400 / INTERVAL;
  for (let round = 0; round < rounds; round++) {
    lie(rig, round);
    closed += starve(rig, left);
    rig.pass(INTERVAL);
  }
  return closed / rounds / HONEST.length;
}

test("a bridge that fetches nothing for the others closes them for two announces, and less and less", () => {
  const share = closedShare((rig, round) => rig.announce("11.0.0.1", { left: 2000 - round }));
  assert.ok(share < 0.04, `${share}`);
});

test("so do complete copies that do not exist", () => {
  const share = closedShare((rig) => {
    for (const host of [1, 2]) rig.announce(`11.0.0.${host}`, { left: 0 });
  });
  assert.ok(share < 0.03, `${share}`);
});

test("who announces another's port refuses no handshake of the other's torrents", () => {
  const rig = new GateRig();
  for (const host of [1, 2]) rig.announce(`11.0.0.${host}`);
  // A neighbor behind one address announces the port of another, in a torrent that is gated.
  rig.announce("11.0.0.9", { swarm: 7, port: 7000, client: 1 });
  rig.announce("11.0.0.9", { port: 7000, client: 2 });
  rig.round();
  // The router judges connections to that port by their first data, and only one pair is refused.
  assert.ok(rig.list("closed").includes("11.0.0.9 7000"));
  assert.deepEqual(
    rig.list("refused").filter((pair) => pair.startsWith("11.0.0.9")),
    [`11.0.0.9 ${"0".repeat(40)}`],
  );
});

test("who announces and stops opens or closes nobody else", () => {
  const rig = new GateRig();
  for (const host of [1, 2, 3]) rig.announce(`11.0.0.${host}`);
  const before = rig.lists();
  rig.announce("11.0.0.9", { swarm: 3 });
  rig.announce("11.0.0.9", { event: ANNOUNCE_EVENT.stopped });
  rig.announce("99.0.0.9", { event: ANNOUNCE_EVENT.stopped });
  rig.round();
  assert.deepEqual(rig.lists(), before);
});

test("a server that another tracker names as a peer stays within reach", () => {
  const rig = new GateRig();
  for (const host of [1, 2]) rig.announce(`11.0.0.${host}`);
  rig.fixture.learn(99, 0, 0, 1, 443 >> 8, 443 & 255, 99, 0, 0, 2, 51413 >> 8, 51413 & 255);
  rig.round();
  assert.deepEqual(rig.list("far"), ["99.0.0.2 51413"]);
});

test("another tracker that names a subscriber opens him in that torrent, and closes nothing", () => {
  const rig = new GateRig();
  for (const host of [1, 2]) rig.announce(`11.0.0.${host}`);
  rig.fixture.learn(11, 0, 0, 2, 7000 >> 8, 7000 & 255);
  rig.round();
  assert.deepEqual(rig.list("closed"), ["11.0.0.2 6881"]);
  assert.deepEqual(rig.list("refused"), []);
});
