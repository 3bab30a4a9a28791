import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeyedHash } from "./keyed-hash.ts";
import { allocateRefusedPairs, RefusedPairs } from "./refused-pairs.ts";

const HASH = new KeyedHash(1, 2);
const address = (number: number) => Uint32Array.of(number, 2, 3, 4);

test("exactly the pairs that were added and not removed are refused", () => {
  const step = fc.record({ swarm: fc.nat(3), host: fc.nat(3), ipv6: fc.boolean(), adds: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const words = allocateRefusedPairs(1000);
      const [writer, reader] = [new RefusedPairs(words, HASH), new RefusedPairs(words, HASH)];
      const expected = new Set<string>();
      for (const { swarm, host, ipv6, adds } of steps) {
        const name = `${swarm} ${host} ${ipv6}`;
        if (adds === expected.has(name)) continue;
        writer[adds ? "add" : "remove"](swarm, ipv6 ? 6 : 4, address(host), 0);
        if (adds) expected.add(name);
        else expected.delete(name);
      }
      for (let swarm = 0; swarm < 4; swarm++)
        for (let host = 0; host < 4; host++)
          for (const family of [4, 6] as const)
            assert.equal(
              reader.has(swarm, family, address(host), 0),
              expected.has(`${swarm} ${host} ${family === 6}`),
            );
      writer.clear();
      assert.ok(words.every((word) => word === 0));
    }),
  );
});

test("a full table takes no more pairs, and counts them; what it has can be removed", () => {
  const pairs = new RefusedPairs(allocateRefusedPairs(8), HASH);
  for (let host = 0; host < 20; host++) pairs.add(1, 4, address(host), 0);
  assert.equal(pairs.full, 4);
  const hosts = Array.from({ length: 20 }, (_, host) => host);
  assert.equal(hosts.filter((host) => pairs.has(1, 4, address(host), 0)).length, 16);
  for (const host of hosts) pairs.remove(1, 4, address(host), 0);
  assert.ok(hosts.every((host) => !pairs.has(1, 4, address(host), 0)));
});

test("with as many peers as the tracker can have, nearly all pairs find a place", () => {
  const peers = 20_000;
  const pairs = new RefusedPairs(allocateRefusedPairs(peers), HASH);
  for (let host = 0; host < peers; host++) pairs.add(host % 7, 4, address(host), 0);
  assert.ok(pairs.full < peers / 100, `${pairs.full}`);
});
