/** Nodes end with the same peers, whatever the network does to their messages, and whatever their clocks say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { TestNetwork } from "../../test/support/cluster-network.ts";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { allocateSwarmStore } from "../store/store-memory.ts";
import { deriveSecrets } from "./secrets.ts";

const SWARMS = 3;
const PEERS = 12;
/** Times in records of the store are whole seconds: announces of a peer that are closer may come in either order. */
const APART_MS = 2500;
const HOUR_MS = 3_600_000;

const announce = fc.record({
  kind: fc.constant("announce" as const),
  node: fc.nat({ max: 2 }),
  peer: fc.nat({ max: PEERS - 1 }),
  swarm: fc.nat({ max: SWARMS - 1 }),
  event: fc.constantFrom("none" as const, "stopped" as const, "completed" as const),
  isSeed: fc.boolean(),
  waitMs: fc.nat({ max: 3000 }),
});
const cut = fc.record({ kind: fc.constant("cut" as const), node: fc.nat({ max: 2 }), isCut: fc.boolean() });
const script = fc.array(fc.oneof({ weight: 8, arbitrary: announce }, { weight: 1, arbitrary: cut }), {
  minLength: 5,
  maxLength: 60,
});
const faults = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
  loss: fc.constantFrom(0, 0.1, 0.5),
  copies: fc.constantFrom(0, 0.3),
  delayMs: fc.constantFrom(0, 150),
});
const skews = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: -HOUR_MS, max: HOUR_MS })));

test("three nodes end equal", () => {
  const { hashKey } = deriveSecrets({ name: "test", secret: new Uint8Array() });
  fc.assert(
    fc.property(script, faults, skews, (steps, { seed, loss, copies, delayMs }, clocks) => {
      const network = new TestNetwork();
      const stores = clocks.map(() => allocateSwarmStore(2000, 2, hashKey));
      const nodes = clocks.map((skewMs, i) => network.start(`n${i}`, { skewMs }, stores[i]));
      network.run(4000);
      // A swarm that vanishes takes its count of downloads along, to the database, which there is none here.
      for (let swarm = 0; swarm < SWARMS; swarm++) nodes[0].announce("11.99.0.1", { swarm: swarm << 28 });
      network.run(1000);
      let state = seed;
      const random = () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        return state / 0x80000000;
      };
      network.fate = () => {
        const delay = () => Math.floor(random() * delayMs);
        if (random() < loss) return [];
        return random() < copies ? [delay(), delay()] : [delay()];
      };
      const apart = new Set<number>();
      network.isCut = (one, other) => apart.has(nodes.indexOf(one)) || apart.has(nodes.indexOf(other));
      const last = new Map<string, number>();
      // A client that has a complete copy keeps it: of two downloads that a node did not hear of, it may count one.
      const seeds = new Set<string>();
      const leechers = new Set<string>();
      for (const step of steps) {
        if (step.kind === "cut") {
          if (step.isCut) apart.add(step.node);
          else apart.delete(step.node);
          continue;
        }
        const name = `${step.peer} ${step.swarm}`;
        const pause = Math.max(0, (last.get(name) ?? 0) + APART_MS - network.nowMs);
        network.run(Math.max(step.waitMs, pause));
        last.set(name, network.nowMs);
        // One family in a swarm: which of a client's two records counts depends on the order (store/client-pairs.ts).
        const address = step.swarm === 0 ? `2001:db8:11::${step.peer}` : `11.0.0.${step.peer}`;
        const event = step.event === "completed" && seeds.has(name) ? "none" : step.event;
        if (event === "completed" || (step.isSeed && !leechers.has(name))) seeds.add(name);
        nodes[step.node].announce(address, {
          swarm: step.swarm << 28,
          event: ANNOUNCE_EVENT[event],
          left: seeds.has(name) ? 0 : 100,
          client: step.peer + 1,
          // With a port of its own, no client is taken for another one that has moved (store/client-pairs.ts).
          port: 7000 + step.peer,
        });
        if (!seeds.has(name)) leechers.add(name);
      }
      network.fate = () => [0];
      apart.clear();
      network.run(20_000);
      for (const node of nodes) {
        assert.deepEqual(node.all(), nodes[0].all());
        for (let swarm = 0; swarm < SWARMS; swarm++)
          assert.deepEqual(node.scrape(swarm << 28), nodes[0].scrape(swarm << 28), `swarm ${swarm}`);
      }
      for (const store of stores) assertConsistent(store);
    }),
    { numRuns: caseCount(15, 500) },
  );
});
