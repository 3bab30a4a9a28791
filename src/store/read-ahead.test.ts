import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Random } from "../model/random.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import { SwarmStore } from "./swarm-store.ts";

const SHARDS = 4;
const SWARMS = 1000;

describe("reading ahead", () => {
  let store: SwarmStore;
  let random: Random;

  beforeEach(() => {
    store = new SwarmStore(allocateSwarmStore(10_000, SHARDS, [1, 2]), 1);
    random = new Random([1, 2, 3, 4]);
  });

  /** Some share a place among the known ones, and some differ in their last word only. */
  const infoHash = (number: number) =>
    Uint32Array.of(number % 7 === 0 ? 0 : Math.imul(number, 0x9e3779b1), 1, 2, 3, number);

  const bytesOf = (words: Uint32Array) => {
    const bytes = new DataView(new ArrayBuffer(24));
    for (const [i, word] of words.entries()) bytes.setUint32(4 + 4 * i, word);
    return new Uint8Array(bytes.buffer);
  };

  const addAll = () => {
    for (let number = 0; number < SWARMS; number++) {
      const shard = store.enter(infoHash(number));
      store.addSwarm(shard, infoHash(number), 1);
      store.leave(shard);
    }
  };

  const assertAllFound = () => {
    for (let number = 0; number < SWARMS; number++) {
      const shard = store.enter(infoHash(number));
      const entry = store.find(shard, infoHash(number));
      assert.deepEqual([...store.words.subarray(entry, entry + 5)], [...infoHash(number)]);
      store.leave(shard);
    }
  };

  const readBatch = (size: number) => {
    for (let i = 0; i < size; i++) store.readAhead.add(bytesOf(infoHash(random.below(2 * SWARMS))), 4);
    store.readAhead.read();
  };

  test("finds nothing else than without it", () => {
    readBatch(64);
    addAll();
    for (let batch = 0; batch < 100; batch++) {
      readBatch(random.below(200));
      assertAllFound();
    }
  });

  test("bears what other threads leave half done", () => {
    addAll();
    const words = store.words.slice();
    for (let i = 0; i < store.words.length; i++)
      store.words[i] = random.below(3) === 0 ? 0xffffffff : random.below(2 ** 31);
    for (let batch = 0; batch < 100; batch++) readBatch(64);
    store.words.set(words);
    assertAllFound();
  });

  test("changes nothing", () => {
    addAll();
    const words = store.words.slice();
    for (let batch = 0; batch < 100; batch++) readBatch(64);
    assert.deepEqual(store.words, words);
  });
});
