import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import type { Family } from "../model/address.ts";
import { allocateHeap, CLASS_WORDS, Heap, type HeapData } from "./heap.ts";
import { KeyedHash } from "./keyed-hash.ts";
import { LargeList } from "./large-list.ts";
import { isRoot, referenceCell, referenceCount } from "./layout/block.ts";
import { keyOf, packPort } from "./layout/key.ts";
import { ADDRESS_WORDS, packLeecher, RECORD_WORDS } from "./layout/peer.ts";
import { PeerList } from "./peer-list.ts";
import { Segments } from "./segments.ts";

const SHARD = 0;
/** Cells for the lists under test: a chunk of the heap that nothing else uses. */
const LISTS = 3;

/** Peers of one household in a list. Each search examines all of them, so the time grows with the square. */
const ONE_HOUSEHOLD = 1500;

interface Peer {
  host: number;
  port: number;
  key: number;
  state: number;
}

/** Several lists in one shard, so that blocks move, and their expected contents. */
class Lists {
  readonly data: HeapData;
  readonly heap: Heap;
  readonly list: PeerList;
  readonly models: Map<string, Peer>[] = [];
  readonly #family: Family;
  readonly #perHousehold: number;
  readonly #cells: number;

  /** @param perHousehold addresses in an IPv6 household. A list finds peers by household. */
  constructor(family: Family, chunks: number, perHousehold = 4) {
    this.data = allocateHeap(chunks * 8192, 1);
    this.heap = new Heap(this.data, 1);
    this.list = new PeerList(this.heap, family, new KeyedHash(1, 2));
    this.#family = family;
    this.#perHousehold = perHousehold;
    this.#cells = this.heap.takeChunk(0) * 8192;
    for (let i = 0; i < LISTS; i++) this.models.push(new Map());
  }

  cell(list: number): number {
    return this.#cells + 2 * list;
  }

  address(host: number): Uint32Array {
    const words = new Uint32Array(4);
    words[0] = this.#family === 4 ? host : 0x20010db8;
    if (this.#family === 6) words[1] = Math.floor(host / this.#perHousehold) << 8;
    if (this.#family === 6) words[3] = host;
    return words;
  }

  insert(list: number, peer: Peer): boolean {
    const name = `${peer.host}:${peer.port}`;
    const cell = this.cell(list);
    assert.equal(
      this.list.find(cell, this.address(peer.host), peer.port) !== -1,
      this.models[list].has(name),
    );
    if (this.models[list].has(name)) return true;
    const record = new Uint32Array(RECORD_WORDS[this.#family]);
    record.set(this.address(peer.host).subarray(0, ADDRESS_WORDS[this.#family]));
    record[ADDRESS_WORDS[this.#family]] = packPort(peer.port, peer.key);
    record[ADDRESS_WORDS[this.#family] + 1] = peer.state;
    const position = this.list.insert(SHARD, cell, record, 0);
    if (position === -1) return false;
    this.models[list].set(name, peer);
    assert.equal(this.list.find(cell, this.address(peer.host), peer.port), position);
    return true;
  }

  remove(list: number, peer: { host: number; port: number }): void {
    const name = `${peer.host}:${peer.port}`;
    const position = this.list.find(this.cell(list), this.address(peer.host), peer.port);
    assert.equal(position !== -1, this.models[list].has(name));
    if (position === -1) return;
    this.list.remove(SHARD, this.cell(list), position);
    this.models[list].delete(name);
  }

  /** Checks that every record is found by its address, and is adjacent to others of its key. */
  check(): void {
    const { words } = this.heap;
    const keyAt = ADDRESS_WORDS[this.#family];
    const segments = new Segments();
    for (let i = 0; i < LISTS; i++) {
      const cell = this.cell(i);
      assert.equal(this.list.count(cell), this.models[i].size);
      if (this.models[i].size === 0) assert.equal(words[cell], 0, "an empty list has no block");
      for (const peer of this.models[i].values()) {
        const position = this.list.find(cell, this.address(peer.host), peer.port);
        assert.notEqual(position, -1);
        const record = this.list.recordAt(cell, position);
        assert.equal(words[record + keyAt], packPort(peer.port, peer.key) >>> 0);
        assert.equal(words[record + keyAt + 1], peer.state);
      }
      this.list.loadSegments(cell, segments);
      let end = 0;
      const keys = new Set<number>();
      for (let s = 0; s < segments.count; s++) {
        assert.equal(segments.starts[s], end);
        assert.ok(segments.counts[s] > 0);
        assert.ok(!keys.has(segments.keys[s]), "a key has one segment");
        keys.add(segments.keys[s]);
        end += segments.counts[s];
        for (let p = segments.starts[s]; p < end; p++) {
          assert.equal(keyOf(words[this.list.wordAAt(cell, p)]), segments.keys[s]);
        }
      }
      assert.equal(end, this.models[i].size);
    }
  }

  /** Words of the blocks of a list that is not empty. */
  wordsOf(list: number): number {
    const { words } = this.heap;
    const block = words[this.cell(list)];
    const blocks = [block];
    for (let i = 0; isRoot(words, block) && i < referenceCount(words, block); i++)
      blocks.push(words[referenceCell(block, i)]);
    return blocks.reduce((sum, each) => sum + CLASS_WORDS[this.heap.classOf(each)], 0);
  }

  /** The number of chunks that are taken from the pool and not freed. */
  chunksInUse(): number {
    let free = 0;
    for (let c = this.data.pool[2]; c !== 0; c = this.data.chunkPrevious[c]) free++;
    return this.data.pool[1] - free;
  }
}

const peer = fc.record({
  host: fc.integer({ min: 1, max: 2000 }),
  port: fc.integer({ min: 1, max: 3 }),
  key: fc.constantFrom(0, 1, 2, 0x400, 0x401, 0xc07),
  state: fc.constantFrom(packLeecher(1, 0, 2, 3) >>> 0, 7),
});
/** Runs of insertions or removals, long enough to go from small to large and back. */
const step = fc.record({
  list: fc.integer({ min: 0, max: LISTS - 1 }),
  add: fc.boolean(),
  peers: fc.array(peer, { maxLength: 120, size: "max" }),
});

for (const family of [4, 6] as const) {
  describe(`peer list, IPv${family}`, () => {
    test("contains what was inserted and not removed, in any order", () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
          const lists = new Lists(family, 200);
          for (const { list, add, peers } of steps) {
            for (const each of peers) {
              if (add) assert.ok(lists.insert(list, each));
              else lists.remove(list, each);
            }
            lists.check();
          }
          for (let i = 0; i < LISTS; i++)
            for (const each of [...lists.models[i].values()]) lists.remove(i, each);
          lists.check();
          assert.equal(lists.chunksInUse(), 2, "all memory is given back");
        }),
        { numRuns: caseCount(30, 60) },
      );
    });

    test("grows to many keys and pages, and shrinks again", () => {
      const lists = new Lists(family, 400);
      const all: Peer[] = [];
      for (let i = 0; i < 9000; i++) {
        all.push({ host: i + 1, port: 6881, key: (i * 7919) % 1021, state: i });
      }
      for (const each of all) assert.ok(lists.insert(each.host % LISTS, each));
      lists.check();
      for (const each of all) if (each.host % 5 !== 0) lists.remove(each.host % LISTS, each);
      lists.check();
      for (const each of all) lists.remove(each.host % LISTS, each);
      lists.check();
      assert.equal(lists.chunksInUse(), 2);
    });

    test("grows with peers of a single household, and shrinks again", () => {
      const lists = new Lists(family, 200, ONE_HOUSEHOLD + 1);
      const all = Array.from({ length: ONE_HOUSEHOLD }, (_, i) => ({
        host: i + 1,
        port: 6881 + (i % 2),
        key: i % 7,
        state: i,
      }));
      for (const each of all) assert.ok(lists.insert(0, each));
      lists.check();
      for (const each of all) if (each.host % 5 !== 0) lists.remove(0, each);
      lists.check();
      for (const each of all) lists.remove(0, each);
      lists.check();
      assert.equal(lists.chunksInUse(), 2, "all memory is given back");
    });

    test("finds a peer of a large household in an eighth of the household's peers", (t) => {
      const lists = new Lists(family, 200, ONE_HOUSEHOLD + 1);
      const all = Array.from({ length: 1000 }, (_, i) => ({
        host: family === 4 ? 1 : i + 1,
        port: family === 4 ? 1000 + ((i * 7919) % 50_000) : 6881,
        key: 0,
        state: 0,
      }));
      for (const each of all) assert.ok(lists.insert(0, each));
      const looked = t.mock.method(LargeList.prototype, "recordAt").mock;
      const some = all.filter((_, i) => i % 10 === 0);
      for (const { host, port } of some) lists.list.find(lists.cell(0), lists.address(host), port);
      const perSearch = looked.callCount() / some.length;
      assert.ok(perSearch >= 1 && perSearch < 100, `${perSearch} records for a search`);
    });

    test("refuses a record when the heap is full, and stays valid", () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 3, max: 30 }),
          fc.array(step, { maxLength: 20, size: "max" }),
          (chunks, steps) => {
            const lists = new Lists(family, chunks);
            for (const { list, add, peers } of steps) {
              for (const each of peers) add ? lists.insert(list, each) : lists.remove(list, each);
              lists.check();
            }
          },
        ),
        { numRuns: caseCount(30, 60) },
      );
    });

    test("takes at most a third more than the records of up to 48 peers", () => {
      const lists = new Lists(family, 100);
      for (let count = 1; count <= 48; count++) {
        lists.insert(0, { host: count, port: 6881, key: count % 3, state: 0 });
        const needed = 1 + count * RECORD_WORDS[family];
        const taken = lists.wordsOf(0);
        assert.ok(taken >= needed && 3 * taken <= 4 * needed, `${count} peers: ${taken} words for ${needed}`);
      }
    });

    test("writes compact peers", () => {
      const lists = new Lists(family, 100);
      const hosts = Array.from({ length: 600 }, (_, i) => i + 1);
      for (const host of hosts) lists.insert(0, { host, port: 0x1a00 + (host % 3), key: host % 2, state: 0 });
      const bytes = family === 4 ? 6 : 18;
      const out = new Uint8Array(600 * bytes + 2).fill(0xee);
      const written = new DataView(out.buffer);
      const end = lists.list.writeCompact(lists.cell(0), 0, 300, written, 1);
      assert.equal(end, 1 + 300 * bytes);
      assert.equal(lists.list.writeCompact(lists.cell(0), 300, 300, written, end), 1 + 600 * bytes);
      assert.equal(out[0], 0xee);
      assert.equal(out[1 + 600 * bytes], 0xee);
      const seen = new Set<number>();
      for (let at = 1; at < 1 + 600 * bytes; at += bytes) {
        const view = new DataView(out.buffer, at, bytes);
        const host = view.getUint32(bytes - 6);
        assert.equal(view.getUint16(bytes - 2), 0x1a00 + (host % 3));
        if (family === 6) assert.equal(view.getUint32(0), 0x20010db8);
        seen.add(host);
      }
      assert.equal(seen.size, 600);
    });
  });
}
