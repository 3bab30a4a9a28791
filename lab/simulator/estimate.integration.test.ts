/** What the tracker estimates of the traffic from what clients tell it, against what was really sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../src/model/random.ts";
import { type DayOptions, dayOfTorrent } from "./population.ts";
import { DEFAULT_SELECTION, DEFAULT_SETTINGS, type PolicyName } from "./simulated-tracker.ts";
import { type SwarmResult, simulate } from "./swarm.ts";

/** Torrents by their downloads a day, and how many of each: as many downloads of every kind. */
const TORRENTS = [
  { downloads: 8, count: 48 },
  { downloads: 32, count: 12 },
  { downloads: 128, count: 3 },
] as const;
const WITHIN = 0.1;

/** A day, and `selection.patience` where that is not the default. */
type World = Partial<DayOptions> & { readonly patience?: number };

const WORLDS: readonly [clients: string, policy: PolicyName, world: World][] = [
  ["clients of one address", "bridged", {}],
  ["clients of one address, and much patience", "bridged", { patience: 2 }],
  ["clients with two addresses, each announced by itself", "bridged", { separate: true }],
  [
    "a hybrid torrent, which most announce under both info-hashes",
    "bridged",
    { separate: true, hybrid: 0.8 },
  ],
  // Without the gate nothing would be avoided here.
  ["clients that ask a public tracker as well, and the gate", "bridged-gate", { publicTracker: true }],
  ["the same with a hybrid torrent", "bridged-gate", { publicTracker: true, hybrid: 0.8 }],
];

for (const [clients, policy, options] of WORLDS) {
  test(`${clients}: what entered, would at random, and is avoided are estimated`, () => {
    const truth = { entered: 0, atRandom: 0 };
    const estimate = { entered: 0, atRandom: 0 };
    for (const { downloads, count } of TORRENTS) {
      for (let i = 0; i < count; i++) {
        const [ours, random] = ([policy, "random"] as const).map((each) =>
          runDay(downloads, i, each, options),
        );
        truth.entered += ours.homes[0].entered;
        truth.atRandom += random.homes[0].entered;
        estimate.entered += ours.estimated.entered;
        estimate.atRandom += ours.estimated.atRandom;
      }
    }
    assertNear(estimate.entered, truth.entered, "external");
    assertNear(estimate.atRandom, truth.atRandom, "external at random");
    const avoided = truth.atRandom - truth.entered;
    assert.ok(avoided > truth.entered / 4, "there is something to estimate");
    assertNear(estimate.atRandom - estimate.entered, avoided, "avoided");
  });
}

/** A day of a torrent, the same whatever the policy. */
function runDay(
  downloads: number,
  number: number,
  policy: PolicyName,
  { patience = DEFAULT_SELECTION.patience, ...options }: World,
): SwarmResult {
  const random = new Random([8, downloads, number, 1]);
  // The first numbers of seeds that differ little differ little.
  for (let skipped = 0; skipped < 16; skipped++) random.next();
  const plan = dayOfTorrent(downloads, random, { publicTracker: false, rush: false, ...options });
  const whole = { ...plan, countsFrom: 0 }; // as the tracker counts
  const selection = { ...DEFAULT_SELECTION, patience };
  return simulate(whole, { policy, selection, settings: DEFAULT_SETTINGS }, random.next());
}

function assertNear(estimate: number, truth: number, what: string): void {
  const ratio = estimate / truth;
  assert.ok(Math.abs(ratio - 1) <= WITHIN, `${what}: ${ratio.toFixed(3)} of the truth`);
}
