import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { Address } from "../model/address.ts";
import { admitAny } from "../tracker/tracker-fixture.ts";
import { clearChanged, downloadedOf, VANISHED_WORDS, vanishedFacts } from "./layout/entry.ts";
import { isComplete, makeKey } from "./layout/key.ts";
import { nextChanged } from "./next-changed.ts";
import { COUNTS, PutOutcome } from "./peer-update.ts";
import { allocateSwarmStore, memoryBound } from "./store-memory.ts";
import { SwarmStore } from "./swarm-store.ts";

const KEY = [0x12345678, 0x9abcdef0] as const;

function infoHash(number: number): Uint32Array {
  return Uint32Array.of(number, 1, 2, 3, 4);
}

function addressOf(number: number, ipv6: boolean): Address {
  const address = new Address();
  // Each household has four addresses.
  if (ipv6) address.setIPv6(0x20010db8, (number >>> 2) << 8, 0, number);
  else address.setIPv4(number);
  return address;
}

/** Adds or updates a peer, and creates the swarm if necessary. @returns false if the peer was refused. */
function put(
  store: SwarmStore,
  swarm: number,
  address: Address,
  port: number,
  key = 0,
  completed = false,
): boolean {
  const hash = infoHash(swarm);
  const left = isComplete(key) ? 0 : 5;
  const shard = store.enter(hash);
  const entry = store.find(shard, hash) || store.addSwarm(shard, hash, 1);
  const stored =
    entry !== 0 &&
    store.putPeer(
      shard,
      entry,
      {
        address,
        port,
        key,
        left,
        identity: 0,
        counts: COUNTS.unknown,
        foreign: false,
        completed,
        now: 1,
        uploaded: false,
        minDwell: Number.POSITIVE_INFINITY,
        stallSeconds: 600,
        admission: admitAny(store.maxPeers),
      },
      new PutOutcome(),
    ) !== -1;
  if (entry !== 0) store.removeIfEmpty(shard, entry);
  store.leave(shard);
  return stored;
}

function remove(store: SwarmStore, swarm: number, address: Address, port: number): void {
  const hash = infoHash(swarm);
  const shard = store.enter(hash);
  const entry = store.find(shard, hash);
  if (entry !== 0) {
    const cell = store.listCell(entry, address.family);
    const position = store.list(address.family).find(cell, address.words, port);
    if (position !== -1) store.removePeer(shard, entry, address.family, position);
    store.removeIfEmpty(shard, entry);
  }
  store.leave(shard);
}

function counts(store: SwarmStore, swarm: number): number[] {
  const hash = infoHash(swarm);
  const shard = store.enter(hash);
  const entry = store.find(shard, hash);
  const result =
    entry === 0
      ? [0, 0, 0]
      : [store.complete(entry), store.incomplete(entry), downloadedOf(store.words, entry)];
  store.leave(shard);
  return result;
}

interface KnownPeer {
  complete: boolean;
  counted: boolean;
}

describe("swarm store", () => {
  test("counts like a simple model, over many swarms", () => {
    const operation = fc.record({
      kind: fc.constantFrom("put", "put", "put", "complete", "completed", "remove"),
      swarm: fc.integer({ min: 0, max: 40 }),
      host: fc.integer({ min: 1, max: 60 }),
      ipv6: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 3000, size: "max" }), (operations) => {
        const data = allocateSwarmStore(1_000_000, 2, KEY);
        const store = new SwarmStore(data, 1);
        const model = new Map<number, Map<string, KnownPeer>>();
        const downloaded = new Map<number, number>();
        for (const { kind, swarm, host, ipv6 } of operations) {
          const name = `${ipv6}${host}`;
          const peers = model.get(swarm) ?? new Map<string, KnownPeer>();
          model.set(swarm, peers);
          if (kind === "remove") {
            peers.delete(name);
            remove(store, swarm, addressOf(host, ipv6), 6881);
          } else {
            const complete = kind !== "put";
            const counted = peers.get(name)?.counted ?? false;
            if (kind === "completed" && !counted) downloaded.set(swarm, (downloaded.get(swarm) ?? 0) + 1);
            // A peer that downloads again counts again.
            peers.set(name, { complete, counted: complete && (counted || kind === "completed") });
            const key = makeKey(3, complete, false);
            assert.ok(put(store, swarm, addressOf(host, ipv6), 6881, key, kind === "completed"));
          }
          if (peers.size === 0) {
            model.delete(swarm);
            downloaded.delete(swarm);
          }
        }
        let all = 0;
        for (let swarm = 0; swarm <= 40; swarm++) {
          const peers = [...(model.get(swarm)?.values() ?? [])];
          const complete = peers.filter((peer) => peer.complete).length;
          all += peers.length;
          assert.deepEqual(counts(store, swarm), [
            complete,
            peers.length - complete,
            downloaded.get(swarm) ?? 0,
          ]);
        }
        assert.equal(store.peerCount, all);
        assert.equal(store.swarmCount, model.size);
        assertConsistent(data);
      }),
      { numRuns: 40 },
    );
  });

  test("adds and removes a hundred thousand swarms", () => {
    const store = new SwarmStore(allocateSwarmStore(200_000, 4, KEY), 1);
    const peer = addressOf(7, false);
    for (let swarm = 0; swarm < 100_000; swarm++) assert.ok(put(store, swarm, peer, 1));
    assert.equal(store.swarmCount, 100_000);
    for (let swarm = 0; swarm < 100_000; swarm += 3) remove(store, swarm, peer, 1);
    for (let swarm = 0; swarm < 100_000; swarm++)
      assert.equal(counts(store, swarm)[1], swarm % 3 === 0 ? 0 : 1);
    for (let swarm = 0; swarm < 100_000; swarm++) remove(store, swarm, peer, 1);
    assert.equal(store.swarmCount, 0);
    assert.equal(store.peerCount, 0);
  });

  test("finds each peer in a large swarm of a single household, and has enough memory", () => {
    const count = 500;
    const store = new SwarmStore(allocateSwarmStore(count, 1, KEY), 1);
    const address = new Address();
    const each = (act: (peer: number) => void) => {
      for (let peer = 1; peer <= count; peer++) {
        address.setIPv6(0x20010db8, 0, 0, peer);
        act(peer);
      }
    };
    each((peer) => assert.ok(put(store, 1, address, 6881, peer % 7)));
    each((peer) => assert.ok(put(store, 1, address, 6881, peer % 7)));
    assert.equal(store.peerCount, count);
    each(() => remove(store, 1, address, 6881));
    assert.equal(store.peerCount, 0);
  });

  test("reserves enough memory for max_peers in any distribution", () => {
    const maxPeers = 50_000;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 400 }),
        (size, ipv6, keys) => {
          const store = new SwarmStore(allocateSwarmStore(maxPeers, 2, KEY), 1);
          for (let peer = 0; peer < maxPeers; peer++) {
            const swarm = Math.floor(peer / size);
            assert.ok(
              put(store, swarm, addressOf(peer + 1, ipv6), 6881, peer % keys),
              `peer ${peer} of ${maxPeers}`,
            );
          }
          assert.equal(store.peerCount, maxPeers);
          assert.ok(!put(store, 1, addressOf(0xffffff, ipv6), 6881), "one more is refused");
          assert.ok(put(store, 0, addressOf(1, ipv6), 6881, 0), "a known one is not");
        },
      ),
      {
        numRuns: caseCount(8, 12),
        examples: [
          [1, true, 1],
          [1, false, 1],
          [33, true, 400],
          [257, true, 7],
        ],
      },
    );
    assert.ok(memoryBound(4_000_000, 16, true) < 512 * 1024 * 1024);
  });

  test("keeps no empty swarm after a peer was refused", () => {
    const store = new SwarmStore(allocateSwarmStore(1, 1, KEY), 1);
    assert.ok(put(store, 1, addressOf(1, false), 1));
    assert.ok(!put(store, 2, addressOf(2, false), 1));
    assert.equal(store.swarmCount, 1);
  });

  test("marks changed swarms and records vanished ones", () => {
    const data = allocateSwarmStore(100_000, 1, KEY);
    const store = new SwarmStore(data, 1);
    const log = store.vanished;
    const begin = log.written(0);
    for (let swarm = 0; swarm < 5; swarm++) put(store, swarm, addressOf(1, false), 1);
    const changed = () => {
      const found = new Set<number>();
      const end = store.swarmsIn(0);
      for (let n = nextChanged(store, 0, 0, end); n !== -1; n = nextChanged(store, 0, n + 1, end)) {
        found.add(store.words[store.swarmAt(0, n)]);
        clearChanged(store.words, store.swarmAt(0, n));
      }
      return [...found].sort();
    };
    assert.deepEqual(changed(), [0, 1, 2, 3, 4]);
    assert.deepEqual(changed(), []);
    put(store, 3, addressOf(1, false), 1);
    put(store, 4, addressOf(2, false), 1);
    remove(store, 4, addressOf(2, false), 1);
    remove(store, 2, addressOf(1, false), 1);
    assert.deepEqual(changed(), [3, 4]);
    const gone = new Uint32Array(VANISHED_WORDS);
    assert.ok(log.read(0, begin, gone));
    assert.deepEqual([...gone.subarray(0, 5)], [...infoHash(2)]);
    assert.deepEqual(vanishedFacts(gone), { downloaded: 0, firstSeen: 1, lastSeen: 1, fresh: true });
    assert.ok(!log.read(0, begin + 1, gone), "nothing more");
    for (let i = 0; i < 1024; i++) {
      put(store, 100 + i, addressOf(1, false), 1);
      remove(store, 100 + i, addressOf(1, false), 1);
    }
    assert.ok(!log.read(0, begin, gone), "overwritten");
    assert.ok(log.read(0, begin + 1, gone));
    assert.deepEqual([...gone.subarray(0, 5)], [...infoHash(100)]);
  });
});
