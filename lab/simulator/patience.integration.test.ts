/** Whether `bridged` keeps its promise: the demand follows what is measured, over many simulated torrents. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../src/model/random.ts";
import { allocateDemand, allocatePaceCounts, PaceTrial } from "../../src/selection/pace-trial.ts";
import { nextDemand, slowdownOf } from "../../src/selection/slowdown.ts";
import { dayOfTorrent } from "./population.ts";
import { DEFAULT_SELECTION, DEFAULT_SETTINGS } from "./simulated-tracker.ts";
import { simulate } from "./swarm.ts";

const DOWNLOADS = 64;
const TORRENTS = 60;
/** What subscribers send is less than the policy assumes. */
const UPLOAD = 0.3;
const PATIENCE = 1.1;
/** Half of the households are in the control group, so that few torrents are enough. */
const CONTROL_PART = 2;

/** Simulates torrents one after another with one trial. @returns the demand and the slowdown at each change. */
function follow(): { demand: number; slowdown: number }[] {
  const counts = allocatePaceCounts();
  const demand = allocateDemand();
  const trial = new PaceTrial({ counts, demand }, CONTROL_PART);
  const changes: { demand: number; slowdown: number }[] = [];
  for (let i = 0; i < TORRENTS; i++) {
    const random = new Random([9, DOWNLOADS, i, 1]);
    for (let skipped = 0; skipped < 16; skipped++) random.next();
    const plan = dayOfTorrent(DOWNLOADS, random, { rush: false, publicTracker: false, upload: UPLOAD });
    const tracker = {
      policy: "bridged",
      trial,
      settings: DEFAULT_SETTINGS,
      selection: DEFAULT_SELECTION,
    } as const;
    simulate(plan, tracker, random.next());
    const slowdown = slowdownOf(counts);
    if (slowdown === undefined) continue;
    demand[0] = nextDemand(demand[0], slowdown, PATIENCE);
    changes.push({ demand: demand[0], slowdown });
    counts.fill(0);
  }
  return changes;
}
test("where subscribers send less than assumed, the demand rises, and downloads take less longer", () => {
  const changes = follow();
  assert.ok(changes.length >= 4, `${changes.length} changes`);
  const [first, last] = [changes[0], changes.at(-1)!];
  assert.ok(first.slowdown > 1.5, `${first.slowdown} at first`);
  assert.ok(last.slowdown < 1 + (first.slowdown - 1) / 2, `${last.slowdown} in the end`);
  assert.ok(last.demand > 2 && last.demand <= 4, `${last.demand}`);
});
