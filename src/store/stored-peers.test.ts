import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Address } from "../model/address.ts";
import { coarseLeft, LEFT_MAX } from "../model/announce.ts";
import { admitAny } from "../tracker/tracker-fixture.ts";
import { makeKey } from "./layout/key.ts";
import { COUNTS, PutOutcome } from "./peer-update.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import {
  STORED_HEADER_BYTES,
  STORED_PEER_BYTES,
  StoredPeersReader,
  writeStoredHeader,
  writeStoredPeers,
} from "./stored-peers.ts";
import { SwarmStore } from "./swarm-store.ts";

const NOW = 2_000_000_000;

interface Peer {
  readonly words: readonly number[];
  readonly port: number;
  readonly left: number;
  readonly age: number;
  readonly completed: boolean;
}

const word = fc.nat({ max: 0xffffffff });
const peer: fc.Arbitrary<Peer> = fc.record({
  words: fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 1 }),
    fc
      .array(word, { minLength: 4, maxLength: 4 })
      .map(([first, ...rest]) => [first | 1, ...rest].map((w) => w >>> 0)),
  ),
  port: fc.integer({ min: 1, max: 0xffff }),
  left: fc.oneof(fc.constant(0), fc.nat({ max: LEFT_MAX })),
  age: fc.nat({ max: 40_000 }),
  completed: fc.boolean(),
});

function addressOf(words: readonly number[]): Address {
  const address = new Address();
  if (words.length === 1) address.setIPv4(words[0]);
  else address.setIPv6(words[0], words[1], words[2], words[3]);
  return address;
}

function keep(peers: readonly Peer[]): Uint8Array {
  const store = new SwarmStore(allocateSwarmStore(1000, 1, [1, 2]), 1);
  const infoHash = new Uint32Array(5);
  const shard = store.enter(infoHash);
  const entry = store.addSwarm(shard, infoHash, NOW);
  for (const { words, port, left, age, completed } of peers) {
    const update = {
      address: addressOf(words),
      port,
      key: makeKey(3, left === 0, false),
      left,
      identity: 1023,
      completed,
      counts: COUNTS.unknown,
      foreign: false,
      now: NOW - age,
      uploaded: false,
      minDwell: Number.POSITIVE_INFINITY,
      stallSeconds: 600,
      admission: admitAny(1000),
    };
    store.putPeer(shard, entry, update, new PutOutcome());
  }
  const [cell4, cell6] = [store.listCell(entry, 4), store.listCell(entry, 6)];
  const [count4, count6] = [store.list(4).count(cell4), store.list(6).count(cell6)];
  const bytes = new Uint8Array(
    STORED_HEADER_BYTES + count4 * STORED_PEER_BYTES[4] + count6 * STORED_PEER_BYTES[6],
  );
  writeStoredHeader(bytes, NOW, count4);
  const at6 = writeStoredPeers(
    store,
    { cell: cell4, family: 4, from: 0, to: count4 },
    NOW,
    bytes,
    STORED_HEADER_BYTES,
  );
  assert.equal(
    writeStoredPeers(store, { cell: cell6, family: 6, from: 0, to: count6 }, NOW, bytes, at6),
    bytes.length,
  );
  store.leave(shard);
  return bytes;
}

test("stored peers are read as they announced", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(peer, { maxLength: 60, selector: ({ words, port }) => `${words} ${port}` }),
      (peers) => {
        const reader = new StoredPeersReader(keep(peers));
        const read = new Map<string, object>();
        assert.equal(reader.time, NOW);
        while (reader.next()) {
          const { address, port, left, age, counted } = reader.peer;
          const words = [...address.words].slice(0, address.family === 4 ? 1 : 4);
          read.set(`${words} ${port}`, { left, age, counted });
        }
        const expected = peers.map(({ words, port, left, age, completed }): [string, object] => [
          `${words} ${port}`,
          { left, age, counted: completed && left === 0 },
        ]);
        assert.deepEqual(read, new Map(expected));
      },
    ),
  );
});

test("peers in format 1 are read", () => {
  const peerBytes = (counted: number, left: number) => [
    10,
    0,
    0,
    1,
    0x1a,
    0xe1,
    0,
    7,
    (counted << 4) | (left >> 8),
    left,
  ];
  const MEGABYTE = 13 * 64 + 122;
  const lasts = [
    [1, 0, 0],
    [0, MEGABYTE, coarseLeft(1e6)],
    [1, 1, 1],
    [0, 0xfff, LEFT_MAX],
  ] as const;
  const bytes = Uint8Array.of(
    1,
    0,
    0,
    0,
    9,
    0,
    0,
    0,
    4,
    ...lasts.flatMap(([counted, left]) => peerBytes(counted, left & 0xfff)),
  );
  const reader = new StoredPeersReader(bytes);
  for (const [counted, , left] of lasts) {
    assert.ok(reader.next());
    const { port, age, counted: isCounted, proven } = reader.peer;
    assert.deepEqual(
      { port, age, left: reader.peer.left, isCounted, proven },
      { port: 6881, age: 7, left, isCounted: counted === 1 && left === 0, proven: false },
    );
  }
  assert.equal(reader.next(), false);
});

test("invalid bytes are refused", () => {
  const good = keep([{ words: [1], port: 1, left: 1, age: 0, completed: false }]);
  assert.throws(() => new StoredPeersReader(good.subarray(0, good.length - 1)));
  assert.throws(() => new StoredPeersReader(Uint8Array.of(3, ...good.subarray(1))));
  assert.throws(() => new StoredPeersReader(new Uint8Array(0)));
  fc.assert(
    fc.property(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 100 }), (format, bytes) => {
      try {
        const reader = new StoredPeersReader(Uint8Array.of(format, ...bytes));
        let peers = 0;
        while (reader.next()) peers++;
        assert.ok(peers <= bytes.length / STORED_PEER_BYTES[4]);
      } catch (error) {
        assert.match(String(error), /stored peers/);
      }
    }),
  );
});
