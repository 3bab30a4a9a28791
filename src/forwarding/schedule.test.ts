import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { Schedule, type ScheduleLimits } from "./schedule.ts";
import type { Job } from "./upstream.ts";

const NOTHING_COUNTED = { asked: 0, answered: 0, failed: 0, backingOff: 0, dropped: 0 };

/** A schedule whose announces end when the test says so. */
class Rig {
  readonly sent: { readonly job: Job; readonly end: () => void }[] = [];
  readonly dropped: { readonly job: Job; readonly why: string }[] = [];
  readonly schedule: Schedule;
  #clients = 0;

  constructor(limits: Partial<ScheduleLimits> = {}) {
    this.schedule = new Schedule({
      limits: {
        maxRequests: 10,
        maxPerTracker: 1,
        maxPerAddress: 5000,
        maxHeldPerAddress: 50_000,
        maxQueued: 5000,
        maxQueuedPerTracker: 5000,
        maxTrackers: 10,
        ...limits,
      },
      nowMs: () => 0,
      fraction: () => 0.5,
      run: (job) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.sent.push({ job, end: resolve });
        return promise;
      },
      drop: (job, why) => this.dropped.push({ job, why }),
    });
  }

  /** Adds an announce to a tracker. @param client a new one by default. */
  add(tracker: string, client = ++this.#clients, address = "198.51.100.1"): void {
    const task = {
      scheme: "http",
      event: ANNOUNCE_EVENT.started,
      isObserved: false,
      address: parseAddress(address),
      port: 1,
      infoHash: new Uint32Array(5),
      swarm: [1, 1],
      client: [client, client],
      authority: tracker,
      path: "/",
      userAgent: "",
    } as const;
    const upstream = this.schedule.upstream(tracker);
    assert.ok(upstream);
    this.schedule.add({ task, upstream, waiter: { worker: 0, token: 0 }, sent: false });
  }

  /** Trackers that announces have been sent to. */
  get asked(): string[] {
    return this.sent.map(({ job }) => job.upstream.name);
  }
}

describe("a schedule", () => {
  it("leaves nobody waiting behind one of its address that is dropped", async () => {
    const rig = new Rig({ maxPerAddress: 1, maxQueuedPerTracker: 1 });
    rig.add("quick", 1, "198.51.100.1");
    rig.add("slow", 2, "198.51.100.1");
    rig.add("slow", 3, "198.51.100.1");
    rig.add("other", 4, "198.51.100.1");
    rig.add("slow", 5, "198.51.100.2");
    rig.add("slow", 6, "198.51.100.3");
    rig.sent[0].end();
    await nextTurn();
    assert.deepEqual(
      rig.dropped.map(({ job }) => job.task.client[0]),
      [2, 3],
      "the tracker has its queue full",
    );
    assert.deepEqual(rig.asked, ["quick", "slow", "other"]);
    for (let i = 1; i < 4; i++) {
      rig.sent[i].end();
      await nextTurn();
    }
    assert.deepEqual([rig.schedule.running, rig.schedule.queued], [0, 0]);
  });

  it("goes on when a tracker answers while others have as much on their way as they may", async () => {
    const rig = new Rig();
    for (const tracker of ["slow", "slow", "slower", "slower", "quick"]) rig.add(tracker);
    assert.deepEqual(rig.asked, ["slow", "slower", "quick"]);
    rig.sent[2].end();
    await nextTurn();
    assert.deepEqual([rig.schedule.running, rig.schedule.queued], [2, 2]);
    rig.sent[0].end();
    await nextTurn();
    assert.deepEqual(rig.asked, ["slow", "slower", "quick", "slow"]);
  });

  it("gives each tracker its turn when there is room for one announce at a time", async () => {
    const rig = new Rig({ maxRequests: 1 });
    for (const tracker of ["a", "a", "a", "b", "b", "c"]) rig.add(tracker);
    for (let i = 0; i < 6; i++) {
      rig.sent[i].end();
      await nextTurn();
    }
    assert.deepEqual(rig.asked.toSorted(), ["a", "a", "a", "b", "b", "c"]);
    assert.ok(rig.asked.indexOf("c") < 5, rig.asked.join());
    assert.deepEqual([rig.schedule.running, rig.schedule.queued], [0, 0]);
  });

  it("lets go of thousands of clients with several announces each when their tracker is backing off", async () => {
    const rig = new Rig();
    for (let client = 0; client < 4000; client++) for (let i = 0; i < 4; i++) rig.add("down", client);
    assert.equal(rig.sent.length, 1);
    for (let i = 0; i < 5; i++) rig.sent[0].job.upstream.breaker.fail(0);
    rig.sent[0].end();
    await nextTurn();
    assert.equal(rig.dropped.length, 4000 * 4 - 1);
    assert.deepEqual([rig.schedule.running, rig.schedule.queued], [0, 0]);
  });

  it("holds so many announces, those that wait behind another of their client too", async () => {
    const rig = new Rig({ maxQueued: 10 });
    for (let client = 0; client < 10; client++) for (let i = 0; i < 4; i++) rig.add("t", client);
    // One is on its way.
    assert.deepEqual([rig.schedule.queued, rig.schedule.totals.dropped], [10, 29]);
    for (let i = 0; i < 11; i++) {
      rig.sent[i].end();
      await nextTurn();
    }
    assert.deepEqual([rig.sent.length, rig.schedule.running, rig.schedule.queued], [11, 0, 0]);
  });

  it("leaves places to others, however many trackers that hang one address names", async () => {
    for (const [greedy, same, other] of [
      ["198.51.100.1", "198.51.100.1", "198.51.100.2"],
      ["2001:db8:0:100::1", "2001:db8:0:1ff:ffff::2", "2001:db8:0:200::1"],
    ]) {
      const rig = new Rig({ maxPerAddress: 3, maxHeldPerAddress: 7 });
      for (let i = 0; i < 50; i++) rig.add(`hangs${i}`, undefined, i % 2 === 0 ? greedy : same);
      assert.deepEqual([rig.schedule.running, rig.schedule.queued, rig.schedule.crowded], [3, 4, 43]);
      assert.deepEqual([rig.dropped.length, rig.dropped[0].why], [43, "client"]);
      assert.equal(rig.schedule.totals.dropped, 43);
      rig.add("t", undefined, other);
      assert.equal(rig.asked.at(-1), "t");
      for (let i = 0; i < 8; i++) {
        rig.sent[i].end();
        await nextTurn();
      }
      assert.equal(rig.sent.length, 8, "those that waited have had their turn");
      assert.deepEqual([rig.schedule.running, rig.schedule.queued], [0, 0]);
      for (let i = 0; i < 4; i++) rig.add("again", undefined, greedy);
      assert.deepEqual([rig.schedule.queued, rig.schedule.crowded], [3, 43], "it has its whole share again");
    }
  });

  it("counts a client's announces that wait for one another among those of its address", () => {
    const rig = new Rig({ maxHeldPerAddress: 6 });
    for (let client = 0; client < 3; client++) for (let i = 0; i < 4; i++) rig.add("t", client);
    assert.deepEqual([rig.schedule.running, rig.schedule.queued, rig.schedule.crowded], [1, 5, 6]);
  });

  it("does not recurse when trackers that are backing off free one place after the other", async () => {
    const rig = new Rig({ maxRequests: 5000, maxTrackers: 5000, maxPerAddress: 1 });
    rig.add("hangs", undefined);
    for (let i = 0; i < 4900; i++) {
      rig.add(`down${i}`);
      for (let failures = 0; failures < 5; failures++) rig.schedule.upstream(`down${i}`)?.breaker.fail(0);
    }
    rig.sent[0].end();
    await nextTurn();
    assert.equal(rig.dropped.length, 4900);
    assert.deepEqual([rig.schedule.running, rig.schedule.queued], [0, 0]);
  });

  it("counts what trackers were asked that it has forgotten, and what it had no room for", async () => {
    const rig = new Rig({ maxTrackers: 1 });
    rig.add("gone");
    assert.equal(rig.schedule.upstream("beyond"), undefined);
    assert.deepEqual({ ...rig.schedule.totals }, { ...NOTHING_COUNTED, asked: 1, dropped: 1 });
    rig.sent[0].end();
    await nextTurn();
    rig.add("new");
    assert.equal([...rig.schedule.upstreams].length, 1);
    assert.deepEqual({ ...rig.schedule.totals }, { ...NOTHING_COUNTED, asked: 2, dropped: 1 });
  });
});
