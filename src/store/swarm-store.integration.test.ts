import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Address } from "../model/address.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import { SwarmStore } from "./swarm-store.ts";

function infoHash(number: number): Uint32Array {
  return Uint32Array.of(number, 1, 2, 3, 4);
}

function addressOf(number: number): Address {
  const address = new Address();
  address.setIPv4(number);
  return address;
}

test("threads that share a store do not lose each other's peers", async () => {
  const data = allocateSwarmStore(100_000, 2, [0x12345678, 0x9abcdef0]);
  const code = `
    import { workerData } from "node:worker_threads";
    const { SwarmStore } = await import(workerData.store);
    const { PutOutcome } = await import(workerData.update);
    const { Address } = await import(workerData.address);
    const store = new SwarmStore(workerData.data, workerData.thread);
    const outcome = new PutOutcome();
    const address = new Address();
    for (let i = 0; i < 40000; i++) {
      const hash = Uint32Array.of(i % 50, 1, 2, 3, 4);
      address.setIPv4(1 + ((i * 31) % 700));
      const shard = store.enter(hash);
      const entry = store.find(shard, hash) || store.addSwarm(shard, hash, 1);
      const port = 1000 + workerData.thread;
      const cell = store.listCell(entry, 4);
      const position = store.list(4).find(cell, address.words, port);
      if (i % 3 === 2 && position !== -1) store.removePeer(shard, entry, 4, position);
      else store.putPeer(shard, entry, { address, port, key: workerData.thread, left: 1, identity: 0, counts: 0, completed: false, uploaded: false, minDwell: 600, now: 1, stallSeconds: 600, admission: { limitFor: () => 1000, roomFor: () => 100_000, overdueSeconds: 65_535 } }, outcome);
      store.removeIfEmpty(shard, entry);
      store.leave(shard);
    }`;
  const run = (thread: number) =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
        workerData: {
          data,
          thread,
          store: new URL("./swarm-store.ts", import.meta.url).href,
          update: new URL("./peer-update.ts", import.meta.url).href,
          address: new URL("../model/address.ts", import.meta.url).href,
        },
      });
      worker.once("error", reject);
      worker.once("exit", () => resolve());
    });
  await Promise.all([run(1), run(2), run(3)]);
  // Every thread did the same with its own ports. So each must have left the same peers.
  const expected = new Set<string>();
  for (let i = 0; i < 40000; i++) {
    const name = `${i % 50} ${1 + ((i * 31) % 700)}`;
    if (i % 3 === 2 && expected.has(name)) expected.delete(name);
    else expected.add(name);
  }
  const store = new SwarmStore(data, 1);
  assert.equal(store.peerCount, 3 * expected.size);
  for (const name of expected) {
    const [swarm, host] = name.split(" ").map(Number);
    const hash = infoHash(swarm);
    const shard = store.enter(hash);
    const cell = store.listCell(store.find(shard, hash), 4);
    for (const port of [1001, 1002, 1003]) {
      assert.notEqual(store.list(4).find(cell, addressOf(host).words, port), -1);
    }
    store.leave(shard);
  }
});
