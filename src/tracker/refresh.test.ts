/** When other trackers are asked about a swarm, and which announces wait for their reply. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent, AnnounceRequest } from "../model/announce.ts";
import { COUNTER } from "../model/counters.ts";
import {
  flagsOf,
  hasChanged,
  isFresh,
  isQualified,
  isStranded,
  noteStranded,
  SINCE_MAX,
  STRIKES_MAX,
  setChanged,
  setQualification,
  sinceOf,
  strikesOf,
} from "../store/layout/entry.ts";
import { allocateSwarmStore } from "../store/store-memory.ts";
import { isRefreshDue, setRefreshed } from "../store/swarm-state.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { REFRESH_BYTES, readRefresh } from "../tasks/refresh-task.ts";
import { TrackerFixture } from "./tracker-fixture.ts";

const SWARM = new Uint32Array(5);
describe("refreshing", () => {
  test("a swarm is refreshed once in an interval, for any number of announces", () => {
    const pushed: Uint8Array[] = [];
    let room = true;
    const tasks = {
      push: (_kind: number, _token: number, bytes: Uint8Array, start: number, end: number) => {
        if (room) pushed.push(bytes.slice(start, end));
        return room;
      },
    };
    const fixture = new TrackerFixture({ refreshSeconds: 1800, tasks });
    fixture.announce("11.0.0.1", { swarm: 0x01020304 });
    fixture.announce("11.0.0.2", { swarm: 0x01020304 });
    assert.equal(pushed.length, 1);
    assert.equal(pushed[0].length, REFRESH_BYTES);
    const infoHash = Uint32Array.of(0x01020304, 0, 0, 0, 0);
    assert.deepEqual(readRefresh(pushed[0]), { infoHash, peers: 1, isNew: true });
    fixture.clock.seconds += 1790;
    fixture.announce("11.0.0.2", { swarm: 0x01020304 });
    assert.equal(pushed.length, 1);
    fixture.clock.seconds += 250;
    room = false;
    fixture.announce("11.0.0.2", { swarm: 0x01020304 });
    room = true;
    fixture.announce("11.0.0.2", { swarm: 0x01020304 });
    fixture.announce("11.0.0.2", { swarm: 0x01020304 });
    assert.equal(pushed.length, 2, "what found no room is wished for again");
    assert.deepEqual(readRefresh(pushed[1]), { infoHash, peers: 2, isNew: false });
    fixture.announce("11.0.0.2", { swarm: 0x01020304, event: ANNOUNCE_EVENT.stopped });
    assert.equal(pushed.length, 2);
  });

  test("only the first announce of a swarm may wait for the reply", () => {
    const tokens: number[] = [];
    let room = true;
    const push = (...[, token]: [number, number, Uint8Array, number, number]) =>
      room && tokens.push(token) > 0;
    const fixture = new TrackerFixture({ refreshSeconds: 60, refreshWaitMs: 300, tasks: { push } });
    const announce = (address: string, token: number, event: AnnounceEvent = ANNOUNCE_EVENT.none) => {
      const request = new AnnounceRequest();
      request.address.copyFrom(parseAddress(address));
      request.port = 6881;
      request.left = 9;
      request.event = event;
      request.numWant = 50;
      fixture.tracker.announce(request, fixture.response, { mayDefer: token !== 0, token });
      return [fixture.response.waitMs, request] as const;
    };
    room = false;
    assert.equal(announce("11.0.0.1", 5)[0], 0, "nobody could be asked");
    room = true;
    const [waitMs, request] = announce("11.0.0.1", 5);
    assert.deepEqual([waitMs, tokens], [300, [5]]);
    assert.equal(announce("11.0.0.2", 6)[0], 0, "they are being asked");
    assert.deepEqual(fixture.returned(4), [{ address: "11.0.0.1", port: 6881 }], "who waits is a peer");
    fixture.learn(11, 0, 0, 3, 0x1a, 0xe1);
    fixture.tracker.answer(request, fixture.response);
    assert.deepEqual(
      new Set(fixture.returned(4).map(({ address }) => address)),
      new Set(["11.0.0.2", "11.0.0.3"]),
    );
    assert.deepEqual(fixture.scrape(), [0, 2, 0]);
    fixture.clock.seconds += 100;
    assert.equal(announce("11.0.0.1", 7)[0], 0, "not the first any more");
    assert.deepEqual(tokens, [5, 0]);
    announce("11.0.0.1", 8, ANNOUNCE_EVENT.stopped);
    announce("11.0.0.2", 8, ANNOUNCE_EVENT.stopped);
    assert.equal(announce("11.0.0.1", 0)[0], 0, "it may not wait");
    assert.equal(fixture.counters[COUNTER.waits], 1);
  });

  test("is due at most an eighth of the interval late, and changes no other flag", () => {
    const store = new SwarmStore(allocateSwarmStore(1000, 1, [1, 2]), 1);
    const shard = store.enter(SWARM);
    const entry = store.addSwarm(shard, SWARM, 1);
    const { words } = store;
    const others = () => {
      const flags = flagsOf(words, entry);
      const bits = [hasChanged(flags), isFresh(flags), isQualified(flags), isStranded(flags)];
      return [store.announced(entry), store.complete(entry), ...bits, strikesOf(flags), sinceOf(flags)];
    };
    setQualification(words, entry, { qualifies: true, strikes: STRIKES_MAX, since: SINCE_MAX });
    setChanged(words, entry);
    noteStranded(words, entry);
    const before = others();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 32 }),
        fc.integer({ min: 60, max: 86_400 }),
        fc.double({ min: 0, max: 2.5, noNaN: true }),
        (now, interval, part) => {
          const isDue = (at: number) => isRefreshDue(words, entry, at, interval);
          setRefreshed(words, entry, now, interval);
          assert.ok(!isDue(now + Math.floor(Math.min(part, 0.999) * interval)));
          assert.ok(isDue(now + Math.ceil((1.126 + part) * interval)));
          assert.deepEqual(others(), before);
        },
      ),
    );
    store.leave(shard);
  });
});
