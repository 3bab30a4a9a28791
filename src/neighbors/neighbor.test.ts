import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { Answer, Outcome } from "../client/outcome.ts";
import type { OutgoingAnnounce } from "../client/outgoing-announce.ts";
import type { NamedPeers } from "../store/learned-peers.ts";
import type { RefreshTask } from "../tasks/refresh-task.ts";
import type { SharedAnswer } from "../tasks/shared-answer.ts";
import { groupsOf } from "../tracker/tracker-fixture.ts";
import { Neighbor } from "./neighbor.ts";
import type { NeighborSettings } from "./settings.ts";

const SETTINGS: NeighborSettings = {
  name: "partner",
  template: "http://partner/announce?info_hash={info_hash}",
  refreshSeconds: 1800,
  expirySeconds: 7200,
  timeoutMs: 1000,
  maxConcurrent: 4,
  maxPerSecond: 40,
  reachableFrom: [],
};
const EMPTY = new Uint8Array(0);
const ANSWER: Answer = {
  answered: true,
  latencyMs: 30,
  interval: 1800,
  minInterval: 900,
  complete: 1,
  incomplete: 1,
  peers: EMPTY,
  peers6: EMPTY,
  failureReason: undefined,
  warningMessage: undefined,
  trackerId: undefined,
  retryIn: undefined,
};
const TIMEOUT: Outcome = { answered: false, kind: "timeout", status: 0, latencyMs: 1000 };

const hash = (number: number) => Uint32Array.of(number, 1, 2, 3, 4);

describe("a neighbor", () => {
  /** Requests under way, and what is told to each. */
  let asked: { url: string; tell: (outcome: Outcome) => Promise<void> }[];
  let learned: NamedPeers[];
  let changes: string[];
  let settled: string[];
  let shared: SharedAnswer[];
  /** Swarms that nobody announces any more. */
  let gone: Set<number>;
  let isLocked: boolean;
  let nowMs: number;
  let neighbor: Neighbor;

  function make(settings: Partial<NeighborSettings> = {}, isTracker = () => false): Neighbor {
    return new Neighbor(
      {
        settings: { ...SETTINGS, ...settings },
        source: 7,
        identity: { peerId: "-BTRT01-000000000000", port: 6881, numWant: 200, ip: "" },
        rules: { groups: groupsOf([]), isTracker, limit: 200, reachableFrom: new Set() },
        swarms: 1024,
      },
      {
        announce: ({ url }: OutgoingAnnounce) =>
          new Promise((resolve) => {
            const tell = async (outcome: Outcome) => {
              resolve(outcome);
              await new Promise((done) => setImmediate(done));
            };
            asked.push({ url, tell });
          }),
        isAnnounced: (infoHash) => !gone.has(infoHash[0]),
        learn: (_hash, named, counts) => {
          learned.push({ ...named, peers: named.peers.slice() });
          if (isLocked) return "locked";
          counts.added += named.peers.length / 6;
          return "learned";
        },
        share: (answer) => shared.push({ ...answer, peers: answer.peers.slice() }),
        now: () => nowMs,
        fraction: () => 0.5,
        settled: (infoHash, answered) => settled.push(`${infoHash[0]} ${answered}`),
        changed: (which) => changes.push(which.state),
      },
    );
  }

  /** Asks about the next swarm and tells the outcome. */
  async function ask(number: number, outcome: Outcome): Promise<void> {
    neighbor.requestRefresh(taskOf(number));
    neighbor.pump();
    await asked.pop()!.tell(outcome);
  }

  beforeEach(() => {
    asked = [];
    learned = [];
    changes = [];
    settled = [];
    shared = [];
    gone = new Set();
    isLocked = false;
    nowMs = 1_000_000_000;
    neighbor = make();
  });

  test("is asked once about a swarm, however many announce it, until its time has come", async () => {
    for (let i = 0; i < 100; i++) neighbor.requestRefresh(taskOf(1));
    neighbor.pump();
    assert.equal(asked.length, 1);
    await asked[0].tell(ANSWER);
    assert.deepEqual(settled, ["1 true"]);
    nowMs += 1_799_000;
    assert.equal(neighbor.requestRefresh(taskOf(1)), false);
    assert.equal(neighbor.requestRefresh({ ...taskOf(1), isNew: true }), true, "what it said is forgotten");
    nowMs += 1000;
    assert.equal(neighbor.requestRefresh(taskOf(1)), false);
    nowMs += 1_799_000;
    assert.equal(neighbor.requestRefresh(taskOf(1)), true);
  });

  test("is never asked more at once, or in a second, than it may be; the largest swarms first", async () => {
    for (let i = 0; i < 1000; i++) neighbor.requestRefresh(taskOf(i));
    neighbor.requestRefresh(taskOf(5000, 100_000));
    neighbor.pump();
    assert.equal(asked.length, 4);
    assert.ok(asked[0].url.includes("%00%00%13%88"), asked[0].url);
    let done = 0;
    const answerAll = async () => {
      while (asked.length > done) await asked[done++].tell(ANSWER);
    };
    await answerAll();
    assert.equal(asked.length, 10, "the burst of a quarter of a second");
    for (let second = 1; second <= 3; second++) {
      for (let tick = 0; tick < 20; tick++) {
        nowMs += 50;
        neighbor.pump();
        await answerAll();
      }
      assert.equal(asked.length, 10 + 40 * second);
    }
    assert.equal(neighbor.inFlight, 0);
  });

  test("teaches the peers it names, dated by its own expiry", async () => {
    const peers = Uint8Array.of(13, 0, 0, 1, 0x1a, 0xe1, 13, 0, 0, 2, 0x1a, 0xe1);
    const peers6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1, 0x1a, 0xe1);
    await ask(1, { ...ANSWER, peers, peers6 });
    const expiresAt = 1_000_000 + 7200;
    assert.deepEqual(learned, [
      { family: 4, peers, complete: false, source: 7, expiresAt },
      { family: 6, peers: peers6, complete: false, source: 7, expiresAt },
    ]);
    assert.deepEqual(
      [neighbor.counts.named, neighbor.counts.answered, neighbor.counts.latencyMs],
      [3, 1, 30],
    );
  });

  test("tells the other nodes of a cluster that it is asked, and what it answers, and is believed by them", async () => {
    await ask(1, { ...ANSWER, peers: Uint8Array.of(11, 0, 0, 1, 0x1a, 0xe1, 10, 0, 0, 1, 0x1a, 0xe1) });
    assert.deepEqual(
      shared.map(({ neighbor: name, infoHash, peers }) => [name, infoHash[0], peers.length]),
      [
        ["partner", 1, 0],
        ["partner", 1, 6],
      ],
    );
    const [before] = learned.splice(0);
    neighbor.takeShared(shared[1], true);
    assert.deepEqual(learned, [before]);
    learned = [];
    // Its time is no longer than that of this node's own answers.
    neighbor.takeShared({ ...shared[1], expiresIn: 0xffffffff, complete: true }, true);
    assert.deepEqual(learned, [{ ...before, complete: true }]);
  });

  test("names complete copies when it knows of nobody else, ourselves left out", async () => {
    const seeds = Uint8Array.of(13, 0, 0, 1, 0x1a, 0xe1);
    await ask(1, { ...ANSWER, peers: seeds.slice(), incomplete: 0 });
    await ask(2, { ...ANSWER, peers: seeds.slice(), incomplete: 1 });
    await ask(3, { ...ANSWER, peers: seeds.slice(), incomplete: undefined });
    await ask(4, { ...ANSWER, peers: seeds.slice(), complete: 0, incomplete: 0 });
    assert.deepEqual(
      learned.map(({ complete }) => complete),
      [true, false, false, false],
    );
    neighbor = make({}, () => learned.length === 4);
    await ask(5, { ...ANSWER, peers: seeds.slice(), incomplete: 1 });
    assert.equal(learned.length, 4, "we are no peer");
  });

  test("that does not answer is backing off, which is reported once, and tried again", async () => {
    for (let i = 0; i < 5; i++) await ask(i, TIMEOUT);
    assert.deepEqual(settled, ["0 false", "1 false", "2 false", "3 false", "4 false"]);
    assert.deepEqual([changes, neighbor.state, neighbor.lastFailure], [["open"], "open", "timeout"]);
    neighbor.requestRefresh(taskOf(100));
    neighbor.pump();
    assert.deepEqual([asked.length, neighbor.waiting], [0, 6]);
    nowMs = neighbor.openUntilMs;
    neighbor.requestRefresh(taskOf(101));
    neighbor.pump();
    assert.equal(asked.length, 1, "one try");
    await asked.pop()!.tell(TIMEOUT);
    assert.deepEqual([changes, neighbor.state], [["open"], "open"]);
    nowMs = neighbor.openUntilMs;
    neighbor.pump();
    await asked.pop()!.tell(ANSWER);
    assert.deepEqual([changes, neighbor.state], [["open", "closed"], "closed"]);
    assert.deepEqual([neighbor.counts.failed, neighbor.counts.answered], [6, 1]);
  });

  test("is asked again soon if its peers could not be stored, as the swarm was locked", async () => {
    isLocked = true;
    const answer = { ...ANSWER, peers: Uint8Array.of(13, 0, 0, 1, 0x1a, 0xe1) };
    await ask(1, answer);
    isLocked = false;
    nowMs += 14_999;
    neighbor.pump();
    assert.equal(asked.length, 0);
    nowMs += 1;
    neighbor.pump();
    await asked.pop()!.tell(answer);
    assert.equal(neighbor.counts.learned.added, 1);
    assert.equal(neighbor.waiting, 0);
  });

  test("that did not answer is asked again before the next refresh, when it may be", async () => {
    await ask(1, TIMEOUT);
    assert.equal(neighbor.waiting, 1);
    neighbor.pump();
    assert.equal(asked.length, 0, "not at once");
    nowMs += 15_000;
    neighbor.requestRefresh(taskOf(2));
    neighbor.pump();
    assert.equal(asked.length, 2);
    assert.ok(asked[0].url.includes("%00%00%00%02"), "what has not been asked yet comes first");
    assert.ok(asked[1].url.includes("%00%00%00%01"));
    for (const { tell } of asked.splice(0).reverse()) await tell(TIMEOUT);
    for (let i = 3; i < 5; i++) await ask(i, TIMEOUT);
    assert.deepEqual([neighbor.state, neighbor.waiting], ["open", 4]);
    for (let tries = 0; tries < 3; tries++) {
      nowMs = neighbor.openUntilMs;
      neighbor.pump();
      assert.equal(asked.length, 1, "one try, without anybody's announce");
      await asked.pop()!.tell(TIMEOUT);
    }
    nowMs = neighbor.openUntilMs;
    gone.add(4);
    neighbor.pump();
    while (asked.length > 0) await asked.shift()!.tell(ANSWER);
    assert.deepEqual([neighbor.state, neighbor.waiting, neighbor.counts.answered], ["closed", 0, 3]);
  });

  test("that answers, but not about a torrent, is asked about that once more", async () => {
    await ask(1, TIMEOUT);
    await ask(2, ANSWER);
    nowMs += 15_000;
    neighbor.pump();
    await asked.pop()!.tell(TIMEOUT);
    assert.equal(neighbor.waiting, 0);
  });

  test("whose client is busy is asked when it is not", async () => {
    await ask(1, { ...TIMEOUT, kind: "busy" });
    nowMs += 15_000;
    neighbor.pump();
    assert.deepEqual([asked.length, neighbor.counts.failed], [1, 0]);
  });

  test("that refuses some torrents is asked about others; that refuses all is backing off", async () => {
    const refusal = { ...ANSWER, failureReason: "not here" };
    for (let i = 0; i < 200; i++) {
      await ask(i, i % 10 === 0 ? ANSWER : refusal);
      nowMs += 1000;
    }
    assert.deepEqual([neighbor.state, neighbor.counts.refused], ["closed", 180]);
    for (let i = 0; i < 41; i++) {
      await ask(1000 + i, refusal);
      nowMs += 1000;
    }
    assert.deepEqual([neighbor.state, changes], ["open", ["open"]]);
    assert.equal(neighbor.lastFailure, "failure reason: not here");
  });

  test("that says when to come back about a torrent (BEP 31) is asked about it then", async () => {
    await ask(1, { ...ANSWER, failureReason: "later", retryIn: 7200 });
    assert.deepEqual(settled, ["1 false"]);
    await ask(2, { ...ANSWER, failureReason: "never", retryIn: Number.POSITIVE_INFINITY });
    await ask(3, { ...ANSWER, failureReason: "soon", retryIn: 1 });
    nowMs += 1_800_000;
    assert.ok(neighbor.requestRefresh(taskOf(3)), "not sooner than usual");
    nowMs += 5_399_000;
    assert.ok(!neighbor.requestRefresh(taskOf(1)));
    nowMs += 1000;
    assert.ok(neighbor.requestRefresh(taskOf(1)));
    assert.ok(!neighbor.requestRefresh(taskOf(2)));
    nowMs += 86_400_000;
    assert.ok(neighbor.requestRefresh(taskOf(2)), "it may have meant a day");
  });

  test("is not asked about swarms that have gone while they waited", async () => {
    for (let i = 0; i < 5; i++) await ask(i, TIMEOUT);
    for (let i = 10; i < 20; i++) neighbor.requestRefresh(taskOf(i));
    nowMs = neighbor.openUntilMs;
    for (let i = 0; i < 20; i++) gone.add(i);
    neighbor.pump();
    assert.deepEqual([asked.length, neighbor.waiting, neighbor.state], [0, 0, "open"]);
    neighbor.requestRefresh(taskOf(20));
    neighbor.pump();
    assert.equal(asked.length, 1, "the try is still to be made");
  });

  test("that is retired is asked no more", async () => {
    for (let i = 0; i < 10; i++) neighbor.requestRefresh(taskOf(i));
    neighbor.pump();
    neighbor.retire();
    for (const { tell } of asked.splice(0)) await tell({ ...TIMEOUT, kind: "closed" });
    assert.deepEqual([asked.length, neighbor.inFlight, neighbor.counts.failed], [0, 0, 0]);
  });
});

/** The task of a swarm that others have been asked about before. */
function taskOf(number: number, peers = 1): RefreshTask {
  return { infoHash: hash(number), peers, isNew: false };
}
