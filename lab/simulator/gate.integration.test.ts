/** The gate holds back as much whatever addresses and info-hashes clients announce. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../src/model/random.ts";
import type { SwarmPlan } from "./plan.ts";
import { dayOfTorrent } from "./population.ts";
import { DEFAULT_SELECTION, DEFAULT_SETTINGS, type PolicyName } from "./simulated-tracker.ts";
import { simulate } from "./swarm.ts";

/** Torrents by their downloads a day, and how many of each. */
const TORRENTS = [
  { downloads: 32, count: 4 },
  { downloads: 128, count: 2 },
] as const;

/** How clients announce: those with IPv6 from each address, and a share of all under both info-hashes of a hybrid torrent. */
interface Announcing {
  readonly separate: boolean;
  readonly hybrid: number;
}

/** A day of a torrent. Peers are the same, however they announce. */
function dayOf(
  downloads: number,
  number: number,
  { separate, hybrid }: Announcing,
): [SwarmPlan, seed: number] {
  const [random, hashes] = [1, 2].map((last) => new Random([8, downloads, number, last]));
  // The first numbers of seeds that differ little differ little.
  for (let skipped = 0; skipped < 16; skipped++) for (const each of [random, hashes]) each.next();
  const day = dayOfTorrent(downloads, random, { publicTracker: true, rush: false, separate });
  const peers = day.peers.map((peer) => ({ ...peer, hybrid: hashes.fraction() < hybrid }));
  return [{ ...day, peers }, random.next()];
}

/** Bytes from outside that a policy spares, by those of a tracker that chooses at random. */
function avoidedShare(policy: PolicyName, announcing: Announcing): number {
  const entered = { [policy]: 0, random: 0 };
  for (const { downloads, count } of TORRENTS)
    for (let i = 0; i < count; i++)
      for (const each of ["random", policy] as const) {
        const [plan, seed] = dayOf(downloads, i, announcing);
        const tracker = { policy: each, selection: DEFAULT_SELECTION, settings: DEFAULT_SETTINGS };
        entered[each] += simulate(plan, tracker, seed).homes[0].entered;
      }
  return 1 - entered[policy] / entered.random;
}

test("with two addresses or two info-hashes, the gate avoids as much as with one", () => {
  const plain = avoidedShare("bridged-gate", { separate: false, hybrid: 0 });
  assert.ok(plain > 0.5, `there is something to compare with: ${plain}`);
  for (const [name, within, announcing] of [
    ["two addresses", 0.05, { separate: true, hybrid: 0 }],
    ["two info-hashes", 0.05, { separate: false, hybrid: 1 }],
    // The second info-hash is judged by itself: it has fewer downloaders, so it is gated later.
    ["two addresses, and two info-hashes that most announce", 0.1, { separate: true, hybrid: 0.8 }],
  ] as const) {
    const ratio = avoidedShare("bridged-gate", announcing) / plain;
    assert.ok(Math.abs(ratio - 1) <= within, `${name}: ${ratio.toFixed(3)} of ${plain.toFixed(3)}`);
  }
});
