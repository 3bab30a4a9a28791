/**
 * The invariants of a shard, which hold whenever it is not locked. {@link shardFaults} examines every swarm and peer. It
 * is meant for tests, and for recovery (store-recovery.ts), which examines the shards that it has emptied.
 */
import { Address, type Family } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { isRoot, ownerOf, referenceCell, referenceCount } from "./layout/block.ts";
import { completeCount, duplicateCount, learnedCount, listCell } from "./layout/entry.ts";
import { countsAsClient, isComplete, isDuplicate, isLearned, keyOf, portOf } from "./layout/key.ts";
import { readAddress, wordAOf } from "./layout/peer.ts";
import { Segments } from "./segments.ts";
import type { SwarmStoreData } from "./store-memory.ts";
import type { SwarmStore } from "./swarm-store.ts";

const FAMILIES = [4, 6] as const satisfies readonly Family[];

/** The peers of a swarm, counted one by one. */
interface Counted {
  peers: number;
  complete: number;
  learned: number;
  duplicates: number;
}

/**
 * Checks a shard. The caller holds it.
 * @param store a view of `data`.
 * @returns a text for each broken invariant.
 */
export function shardFaults(data: SwarmStoreData, store: SwarmStore, shard: number): string[] {
  const faults: string[] = [];
  let peers = 0;
  let learned = 0;
  for (let number = 0; number < store.swarmsIn(shard); number++) {
    const entry = store.swarmAt(shard, number);
    const counted: Counted = { peers: 0, complete: 0, learned: 0, duplicates: 0 };
    const fault = (what: string) => faults.push(`shard ${shard}, swarm ${number}: ${what}`);
    const infoHash = store.words.slice(entry, entry + INFO_HASH_WORDS);
    if (store.shardOf(infoHash) !== shard) fault("belongs to another shard");
    else if (store.find(shard, infoHash) !== entry) fault("is not found by its info-hash");
    for (const family of FAMILIES) checkList(store, entry, family, counted, fault);
    checkCounts(store.words, entry, counted, fault);
    peers += counted.peers;
    learned += counted.learned;
  }
  if (data.peers[shard] !== peers)
    faults.push(`shard ${shard}: ${data.peers[shard]} peers counted of ${peers}`);
  if (data.learned[shard] !== learned)
    faults.push(`shard ${shard}: ${data.learned[shard]} learned peers counted of ${learned}`);
  return faults;
}

type Fault = (what: string) => void;

function checkCounts(words: Uint32Array, entry: number, counted: Counted, fault: Fault): void {
  const { peers, complete, learned, duplicates } = counted;
  const found = [completeCount(words, entry), learnedCount(words, entry), duplicateCount(words, entry)];
  const expected = [complete, learned, duplicates];
  if (found.join() !== expected.join())
    fault(`complete, learned, duplicates: ${found.join(", ")} counted of ${expected.join(", ")}`);
  if (peers === learned) fault("has no announced peer");
}

function checkList(store: SwarmStore, entry: number, family: Family, counted: Counted, fault: Fault): void {
  const { words } = store;
  const list = store.list(family);
  const cell = listCell(entry, family);
  const count = list.count(cell);
  const block = words[cell];
  if ((block === 0) !== (count === 0)) fault(`IPv${family}: a block and ${count} peers`);
  if (block === 0 || count === 0) return;
  if (ownerOf(words, block) !== cell) fault(`IPv${family}: the block has another owner`);
  if (isRoot(words, block)) checkPages(words, block, (what) => fault(`IPv${family}: ${what}`));
  const address = new Address();
  for (let position = 0; position < count; position++) {
    const record = list.recordAt(cell, position);
    const wordA = words[wordAOf(record, family)];
    readAddress(words, record, family, address);
    // A peer that is stored twice is found only at one of its positions.
    if (list.find(cell, address.words, portOf(wordA)) !== position)
      fault(`IPv${family}: the peer at ${position} is not found, or is stored twice`);
    counted.peers++;
    if (isLearned(wordA)) counted.learned++;
    else if (isDuplicate(wordA)) counted.duplicates++;
    if (countsAsClient(wordA) && isComplete(wordA)) counted.complete++;
  }
  checkRuns(store, cell, family, (what) => fault(`IPv${family}: ${what}`));
}

/** The pages of a large list refer back to the words of its root. */
function checkPages(words: Uint32Array, root: number, fault: Fault): void {
  for (let page = 0; page < referenceCount(words, root); page++) {
    const cell = referenceCell(root, page);
    if (ownerOf(words, words[cell]) !== cell) fault(`page ${page} has another owner`);
  }
}

/** Peers with equal keys are one run, and the runs cover the list. */
function checkRuns(store: SwarmStore, cell: number, family: Family, fault: Fault): void {
  const list = store.list(family);
  const segments = new Segments();
  list.loadSegments(cell, segments);
  const keys = new Set<number>();
  let end = 0;
  for (let i = 0; i < segments.count; i++) {
    if (keys.has(segments.keys[i])) fault(`two runs of key ${segments.keys[i]}`);
    keys.add(segments.keys[i]);
    end = segments.starts[i] + segments.counts[i];
    for (let position = segments.starts[i]; position < Math.min(end, list.count(cell)); position++) {
      if (keyOf(store.words[list.wordAAt(cell, position)]) !== segments.keys[i])
        fault(`the peer at ${position} is in the run of another key`);
    }
  }
  if (end !== list.count(cell)) fault(`runs of ${end} peers in a list of ${list.count(cell)}`);
}
