import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Address } from "../model/address.ts";
import { admitAny } from "../tracker/tracker-fixture.ts";
import { shardFaults } from "./invariants.ts";
import { setOwner } from "./layout/block.ts";
import { addDownloaded, countComplete, countDuplicate, countLearned, listCell } from "./layout/entry.ts";
import { keyOf, makeKey, withKey } from "./layout/key.ts";
import { setListCount } from "./layout/list.ts";
import { COUNTS, PutOutcome } from "./peer-update.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import { SwarmStore } from "./swarm-store.ts";

const PEERS = { small: 5, large: 600 } as const;

/** A shard with one swarm of this many peers. */
function shardOf(peers: number) {
  const data = allocateSwarmStore(10_000, 16, [1, 2]);
  const store = new SwarmStore(data, 1);
  const infoHash = new Uint32Array(5);
  const shard = store.enter(infoHash);
  const entry = store.addSwarm(shard, infoHash, 1);
  const address = new Address();
  for (let peer = 1; peer <= peers; peer++) {
    address.setIPv4(peer);
    const key = makeKey(peer % 3, peer % 4 === 0, false);
    const update = { address, port: 6881, key, left: peer % 4, identity: 0, counts: COUNTS.unknown };
    const times = { now: 1, minDwell: Number.POSITIVE_INFINITY, stallSeconds: 600 };
    const said = { completed: false, uploaded: false, foreign: false, admission: admitAny(10_000) };
    store.putPeer(shard, entry, { ...update, ...times, ...said }, new PutOutcome());
  }
  return { data, store, shard, entry, words: store.words, cell: listCell(entry, 4) };
}

type Shard = ReturnType<typeof shardOf>;

const CORRUPTIONS: readonly (readonly [string, (shard: Shard) => void])[] = [
  ["a complete peer too many is counted", ({ words, entry }) => countComplete(words, entry, 1)],
  ["a learned peer is counted", ({ words, entry }) => countLearned(words, entry, 1)],
  ["a duplicate is counted", ({ words, entry }) => countDuplicate(words, entry, 1)],
  [
    "a list is a peer shorter",
    ({ words, cell, store }) => setListCount(words, cell, store.list(4).count(cell) - 1),
  ],
  ["a block has another owner", ({ words, cell }) => setOwner(words, words[cell], cell + 1)],
  ["an info-hash differs", ({ words, entry }) => words.fill(7, entry, entry + 1)],
  [
    "a peer has another's address",
    ({ words, cell, store }) =>
      words.copyWithin(
        store.list(4).recordAt(cell, 1),
        store.list(4).recordAt(cell, 0),
        store.list(4).recordAt(cell, 0) + 1,
      ),
  ],
  [
    "a peer has the key of another run",
    ({ words, cell, store }) => {
      const list = store.list(4);
      const at = list.wordAAt(cell, 0);
      words[at] = withKey(words[at], keyOf(words[list.wordAAt(cell, list.count(cell) - 1)]));
    },
  ],
  ["the shard's peers are miscounted", ({ data, shard }) => data.peers.fill(1, shard, shard + 1)],
];

describe("invariants of a shard", () => {
  for (const [size, peers] of Object.entries(PEERS)) {
    test(`hold in a ${size} list`, () => {
      const shard = shardOf(peers);
      addDownloaded(shard.words, shard.entry, 1);
      assert.deepEqual(shardFaults(shard.data, shard.store, shard.shard), []);
    });
    for (const [what, corrupt] of CORRUPTIONS) {
      test(`are broken in a ${size} list when ${what}`, () => {
        const shard = shardOf(peers);
        corrupt(shard);
        assert.notDeepEqual(shardFaults(shard.data, shard.store, shard.shard), []);
      });
    }
  }
});
