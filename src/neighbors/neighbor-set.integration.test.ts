/** NeighborSet around the real client: what hostile ones do, and what a reload does. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../../test/support/bed.ts";
import {
  BEHAVIOURS,
  type BehaviourName,
  HostileTracker,
  HostileUdpTracker,
} from "../../test/support/hostile-tracker.ts";
import { TrackerClient } from "../client/tracker-client.ts";
import type { RefreshTask } from "../tasks/refresh-task.ts";
import { groupsOf } from "../tracker/tracker-fixture.ts";
import { NeighborSet, type NeighborsPolicy } from "./neighbor-set.ts";
import type { NeighborSettings } from "./settings.ts";

const GOOD: readonly BehaviourName[] = [
  "good",
  "kept open",
  "chunked",
  "until the end",
  "gzip",
  "deflate",
  "raw deflate",
  "one redirect",
  "two redirects",
  "three redirects",
];
const REFUSALS: readonly BehaviourName[] = ["failure reason", "failure for ever", "failure with a status"];
const ALL = Object.keys(BEHAVIOURS) as BehaviourName[];
const FAILURES = ALL.filter((name) => ![...GOOD, ...REFUSALS, "redirect to"].includes(name));

const SETTINGS: NeighborSettings = {
  name: "partner",
  template: "",
  refreshSeconds: 1800,
  expirySeconds: 7200,
  timeoutMs: 30_000,
  maxConcurrent: 1,
  maxPerSecond: 1000,
  reachableFrom: [],
};

function policyOf(neighbors: readonly NeighborSettings[]): NeighborsPolicy {
  return {
    neighbors,
    identity: { peerId: "-BTRT01-000000000000", port: 6881, numWant: 200, ip: "" },
    groups: groupsOf([]),
    groupNames: [],
    isTracker: () => false,
    limit: 200,
  };
}

class Rig {
  readonly changes: string[] = [];
  readonly learned: { swarm: number; peers: number }[] = [];
  now = () => Date.now();
  readonly neighbors = new NeighborSet({
    makeClient: ({ timeoutMs }) =>
      new TrackerClient({
        guard: () => true,
        refuseLowPorts: false,
        timeoutMs,
        maxInFlight: 10,
        maxPerHost: 10,
      }),
    isAnnounced: () => true,
    learn: (infoHash, { family, peers }) => {
      this.learned.push({ swarm: infoHash[0], peers: peers.length / (family === 4 ? 6 : 18) });
      return "learned";
    },
    now: () => this.now(),
    fraction: () => 0.5,
    changed: ({ settings, state }) => this.changes.push(`${settings.name} ${state}`),
    swarms: 1024,
  });

  /** Has `count` swarms asked about, and waits until nothing is under way. */
  async ask(count: number, first = 0): Promise<void> {
    for (let i = first; i < first + count; i++) this.neighbors.requestRefresh(taskOf(i));
    await until("nothing is under way", () => {
      this.neighbors.pump();
      return this.neighbors.all.every(
        ({ inFlight, waiting, state }) => inFlight === 0 && (waiting === 0 || state !== "closed"),
      );
    });
  }
}

describe("a neighbor over HTTP", () => {
  let tracker: HostileTracker;

  before(async () => {
    tracker = await HostileTracker.start();
  });
  after(() => tracker.stop());

  const template = (behaviour: BehaviourName) => tracker.url(behaviour, "?info_hash={info_hash}&port={port}");

  for (const behaviour of GOOD) {
    test(`that answers well (${behaviour}) teaches its peers`, async (t) => {
      const rig = new Rig();
      t.after(() => rig.neighbors.stop());
      rig.neighbors.adopt(policyOf([{ ...SETTINGS, template: template(behaviour) }]));
      await rig.ask(1);
      assert.deepEqual(rig.learned, [
        { swarm: 0, peers: 2 },
        { swarm: 0, peers: 1 },
      ]);
      assert.deepEqual(rig.changes, []);
    });
  }

  test("that fails, in any way, is backing off, which is reported once", async (t) => {
    const rig = new Rig();
    t.after(() => rig.neighbors.stop());
    // The clock stands: on a slow machine, one that is backing off would be tried again before all others are.
    const begun = Date.now();
    rig.now = () => begun;
    const hanging: readonly BehaviourName[] = [
      "silent",
      "slow headers",
      "slow body",
      "slow chunks",
      "continue",
    ];
    rig.neighbors.adopt(
      policyOf(
        FAILURES.map((name) => ({
          ...SETTINGS,
          name,
          template: template(name),
          timeoutMs: hanging.includes(name) ? 200 : SETTINGS.timeoutMs,
        })),
      ),
    );
    await rig.ask(7);
    assert.deepEqual(rig.changes.toSorted(), FAILURES.map((name) => `${name} open`).toSorted());
    assert.deepEqual(rig.learned, []);
    for (const { settings, counts, lastFailure, waiting } of rig.neighbors.all) {
      assert.deepEqual([counts.asked, counts.failed, waiting], [5, 5, 7], settings.name);
      assert.notEqual(lastFailure, null, settings.name);
    }
  });

  for (const behaviour of REFUSALS) {
    test(`that refuses a torrent (${behaviour}) is asked about others`, async (t) => {
      const rig = new Rig();
      t.after(() => rig.neighbors.stop());
      rig.neighbors.adopt(policyOf([{ ...SETTINGS, template: template(behaviour) }]));
      await rig.ask(8);
      const [{ counts, state }] = rig.neighbors.all;
      assert.deepEqual([counts.refused, counts.failed, state], [8, 0, "closed"]);
    });
  }

  test("a reload keeps those that stay as they were, and what others have counted", async (t) => {
    const rig = new Rig();
    t.after(() => rig.neighbors.stop());
    const [a, b, c] = ["a", "b", "c"].map((name) => ({ ...SETTINGS, name, template: template("good") }));
    rig.neighbors.adopt(policyOf([a, b]));
    await rig.ask(3);
    const [beforeA, beforeB] = rig.neighbors.all;
    rig.neighbors.adopt(policyOf([c, a, { ...b, maxPerSecond: 5 }]));
    const [nowC, nowA, nowB] = rig.neighbors.all;
    assert.equal(nowA, beforeA);
    assert.notEqual(nowB, beforeB);
    assert.deepEqual([nowB.counts.asked, nowB.source], [3, beforeB.source]);
    assert.ok(![beforeA.source, beforeB.source, 0].includes(nowC.source));
    await rig.ask(3);
    assert.deepEqual([nowC.counts.asked, nowA.counts.asked], [3, 3]);
    rig.neighbors.adopt(policyOf([]));
    await rig.ask(3, 10);
    assert.deepEqual([nowC.counts.asked, nowA.counts.asked], [3, 3]);
  });
});

test("a wait is over with the first neighbor's answer, or when none can be had", async (t) => {
  const tracker = await HostileTracker.start();
  t.after(() => tracker.stop());
  const rig = new Rig();
  t.after(() => rig.neighbors.stop());
  const behaviours = ["good", "server error", "silent"] as const;
  const settings = (name: BehaviourName): NeighborSettings => ({
    ...SETTINGS,
    name,
    template: tracker.url(name, "?info_hash={info_hash}&port={port}"),
  });
  let over = 0;
  const requestRefresh = (number: number) => rig.neighbors.requestRefresh(taskOf(number), () => over++);
  requestRefresh(1);
  assert.equal(over, 1, "there is nobody to ask");
  rig.neighbors.adopt(policyOf(behaviours.map(settings)));
  requestRefresh(2);
  requestRefresh(2);
  assert.equal(over, 2, "they are being asked already");
  await until("one has answered", () => over === 3);
  assert.equal(rig.learned.length, 2);
  rig.neighbors.adopt(policyOf([settings("server error")]));
  for (let i = 10; i < 15; i++) {
    requestRefresh(i);
    await until("it has failed", () => over === i - 6);
  }
  requestRefresh(20);
  assert.equal(over, 9, "it is backing off");
});

test("a neighbor over UDP is asked as BEP 15 has it", async (t) => {
  const tracker = await HostileUdpTracker.start();
  t.after(() => tracker.stop());
  const announced: Buffer[] = [];
  tracker.answer = (datagram, send) => {
    const isConnect = datagram.readUInt32BE(8) === 0;
    const transaction = datagram.subarray(12, 16);
    if (!isConnect) announced.push(datagram);
    const body = isConnect
      ? Buffer.alloc(8, 7)
      : Buffer.from("00000708000000020000000113000001" + "1ae1", "hex");
    send(Buffer.concat([Buffer.from([0, 0, 0, isConnect ? 0 : 1]), transaction, body]));
  };
  const rig = new Rig();
  t.after(() => rig.neighbors.stop());
  rig.neighbors.adopt(policyOf([{ ...SETTINGS, template: `${tracker.url}?port=6882&left=5` }]));
  await rig.ask(1);
  assert.deepEqual(rig.learned, [{ swarm: 0, peers: 1 }]);
  assert.equal(announced[0].subarray(36, 56).toString("latin1"), "-BTRT01-000000000000");
  assert.deepEqual([announced[0].readUInt16BE(96), announced[0].readBigUInt64BE(64)], [6882, 5n]);
});

/** The task of a swarm with one peer. */
function taskOf(number: number): RefreshTask {
  return { infoHash: Uint32Array.of(number, 1, 2, 3, 4), peers: 1, isNew: false };
}
