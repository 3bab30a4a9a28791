import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { AnnounceRequest } from "../model/announce.ts";
import { Random } from "../model/random.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { ReadAhead } from "./read-ahead.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import type { SwarmStore } from "./swarm-store.ts";

const SWARMS = 1000;
const BATCH = 64;

/** Some differ in their last word only, and many share a bucket. */
function requestFor(number: number): AnnounceRequest {
  const request = new AnnounceRequest();
  request.infoHash.set([number % 7 === 0 ? 0 : Math.imul(number, 0x9e3779b1), 1, 2, 3, number]);
  request.peerId.set([1, 2, 3, 4, number * 3]);
  request.clientKey = number * 5;
  request.address.setIPv4(0x0b000000 + number * 11);
  request.port = 1 + (number % 65_535);
  request.left = number % 4;
  request.transferred.set([number * 1024, number * 2048, number]);
  return request;
}

function addSwarms(store: SwarmStore): void {
  for (let number = 0; number < SWARMS; number++) {
    const { infoHash } = requestFor(number);
    const shard = store.enter(infoHash);
    store.addSwarm(shard, infoHash, 1);
    store.leave(shard);
  }
}

describe("reading ahead", () => {
  let random: Random;
  beforeEach(() => {
    random = new Random([1, 2, 3, 4]);
  });

  test("announces have the same effect and the same answers as without it", () => {
    const data = allocateSwarmStore(100_000, 2, [1, 2]);
    const ahead = new TrackerFixture({ store: data });
    const plain = new TrackerFixture();
    for (let batch = 0; batch < 200; batch++) {
      const numbers = Array.from({ length: 1 + random.below(2 * BATCH) }, () => random.below(SWARMS));
      // Some were not announced before, and some that were announced do not come.
      for (const number of numbers) {
        if (random.below(8) > 0) ahead.tracker.expect(requestFor(number));
        if (random.below(8) === 0) ahead.tracker.expect(requestFor(random.below(2 * SWARMS)));
      }
      for (const number of numbers) {
        for (const { tracker, response } of [ahead, plain]) tracker.announce(requestFor(number), response);
        assert.deepEqual(ahead.returnedAll(), plain.returnedAll());
        assert.equal(ahead.response.incomplete, plain.response.incomplete);
      }
    }
    assert.ok(ahead.store.words.every((word, at) => word === plain.store.words[at]));
    assert.deepEqual(ahead.activity, plain.activity);
    assertConsistent(data);
  });

  test("takes announces in their order, and each once", () => {
    const { store } = new TrackerFixture();
    const readAhead = new ReadAhead(store);
    for (const number of [1, 2, 3, 4]) readAhead.add(requestFor(number));
    assert.ok(readAhead.take(requestFor(1)));
    assert.ok(readAhead.take(requestFor(3)));
    assert.ok(!readAhead.take(requestFor(2)), "it was passed over");
    readAhead.add(requestFor(5));
    assert.ok(!readAhead.take(requestFor(4)), "it is of an earlier batch");
    readAhead.add(requestFor(6));
    assert.ok(readAhead.take(requestFor(6)));
    assert.ok(!readAhead.take(requestFor(6)));
  });

  test("finds the hashes of an announce, and the shard", () => {
    const { store } = new TrackerFixture();
    const readAhead = new ReadAhead(store);
    for (let number = 0; number < BATCH; number++) readAhead.add(requestFor(number));
    for (let number = 0; number < BATCH; number++) {
      const request = requestFor(number);
      assert.ok(readAhead.take(request));
      assert.equal(readAhead.client, store.identities.hashOf(request));
      const shard = readAhead.enter();
      const { swarmHash } = store;
      store.leave(shard);
      assert.equal(shard, store.shardOf(request.infoHash));
      assert.equal(swarmHash, store.swarmHash);
    }
  });

  test("an announce that differs in one field is another one", () => {
    const { store } = new TrackerFixture();
    const readAhead = new ReadAhead(store);
    const changes: ((request: AnnounceRequest) => void)[] = [
      ({ infoHash }) => infoHash[4]++,
      ({ peerId }) => peerId[4]++,
      (request) => request.clientKey++,
      (request) => request.port++,
    ];
    for (const change of changes) {
      const other = requestFor(1);
      change(other);
      readAhead.add(requestFor(1));
      readAhead.add(requestFor(1));
      assert.ok(!readAhead.take(other));
    }
  });

  test("bears what other threads leave half done, and changes nothing", () => {
    const { store } = new TrackerFixture();
    addSwarms(store);
    const readAhead = new ReadAhead(store);
    for (let at = 0; at < store.words.length; at++)
      store.words[at] = random.below(3) === 0 ? 0xffffffff : random.below(2 ** 31);
    const words = store.words.slice();
    for (let batch = 0; batch < 100; batch++) {
      for (let i = 0; i < BATCH; i++) readAhead.add(requestFor(random.below(2 * SWARMS)));
      readAhead.take(requestFor(0));
    }
    assert.ok(words.every((word, at) => word === store.words[at]));
  });
});
