import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../model/random.ts";
import { allocateDemand, allocatePaceCounts, PACE_CLASSES, PACE_GROUP, PaceTrial } from "./pace-trial.ts";
import { downloadsOf, nextDemand, slowdownOf } from "./slowdown.ts";

const DAY = 86_400;
/** A larger control group than usual, so that few downloads are enough. */
const CONTROL_PART = 16;

/** A trial, and the households of each group on the first day. */
class Trial {
  readonly counts = allocatePaceCounts();
  readonly demand = allocateDemand();
  readonly trial = new PaceTrial({ counts: this.counts, demand: this.demand }, CONTROL_PART);
  readonly #random = new Random([1, 2, 3, 4]);
  #hour = 0;

  /** Counts one download of each of so many households, within an hour. @param pace by group, household and fraction. */
  hour(households: number, pace: (isControl: boolean, household: number, random: Random) => number): void {
    const now = DAY * this.#hour + 1000;
    this.#hour++;
    for (let i = 0; i < households; i++) {
      const household = this.#random.next();
      this.trial.count(household, pace(this.trial.isControl(household, now), household, this.#random), now);
    }
  }
}

/** A pace of subscribers with lines of 20, 100 and 300 Mbit/s, some of them slower for other reasons. */
function subscriberPace(random: Random): number {
  const chance = random.fraction();
  const line = chance < 0.3 ? 20 : chance < 0.7 ? 100 : 300;
  return ((line * 1e6) / 8) * (0.4 + 0.6 * random.fraction());
}

describe("slowdown", () => {
  test("is what the limited downloads take longer, within a few percent", () => {
    for (const slowdown of [1, 1.1, 1.5]) {
      const trial = new Trial();
      for (let hour = 0; hour < 4; hour++)
        trial.hour(20_000, (isControl, _, random) => subscriberPace(random) / (isControl ? 1 : slowdown));
      const measured = slowdownOf(trial.counts)!;
      assert.ok(Math.abs(measured / slowdown - 1) < 0.06, `${measured}, not ${slowdown}`);
    }
  });

  test("is not known from few downloads", () => {
    const trial = new Trial();
    trial.hour(3000, () => 1e6);
    assert.ok(downloadsOf(trial.counts, PACE_GROUP.control) < 400);
    assert.equal(slowdownOf(trial.counts), undefined);
  });

  test("hardly follows households that claim any pace", () => {
    // A tenth of all households, which do not know their group; or a fiftieth, which has guessed it.
    for (const [part, guesses] of [
      [10, false],
      [50, true],
    ] as const) {
      for (const claimed of [1024, 1e9]) {
        const trial = new Trial();
        for (let hour = 0; hour < 4; hour++) {
          trial.hour(20_000, (isControl, household, random) => {
            const pace = subscriberPace(random) / (isControl ? 1 : 1.1);
            return household % part === 0 && (isControl || !guesses) ? claimed : pace;
          });
        }
        const measured = slowdownOf(trial.counts)!;
        assert.ok(Math.abs(measured - 1.1) < 0.12, `${measured} of ${claimed}, a ${part}th`);
      }
    }
  });

  test("a household counts once an hour", () => {
    const { trial, counts } = new Trial();
    for (let i = 0; i < 1000; i++) trial.count(0x12345678, 1e6, 5000 + i);
    assert.equal(downloadsOf(counts, PACE_GROUP.limited) + downloadsOf(counts, PACE_GROUP.control), 1);
    trial.count(0x12345678, 1e6, 5000 + 3600);
    assert.equal(downloadsOf(counts, PACE_GROUP.limited) + downloadsOf(counts, PACE_GROUP.control), 2);
  });

  test("paces that are no numbers, or beyond all classes, do no harm", () => {
    const { trial, counts } = new Trial();
    for (const [i, pace] of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-9, 1e300].entries())
      trial.count(i, pace, 5000);
    assert.equal(counts[0] + counts[PACE_CLASSES] + counts[PACE_CLASSES - 1] + counts.at(-1)!, 2);
  });
});

describe("demand", () => {
  test("settles where the slowdown is the patience, and stays within its limits", () => {
    // The slowdown falls with the demand, as in simulated days.
    const slowdownAt = (demand: number) => 1 + 0.2 / demand;
    for (const start of [1, 3, 4]) {
      let demand = start;
      for (let step = 0; step < 40; step++) demand = nextDemand(demand, slowdownAt(demand), 1.1);
      assert.ok(Math.abs(slowdownAt(demand) - 1.1) < 0.005, `${demand} from ${start}`);
    }
  });

  test("false measurements move it slowly, and not beyond its limits", () => {
    assert.ok(nextDemand(1, 1e9, 1.1) <= 1.25);
    assert.ok(nextDemand(2, 0, 1.1) >= 1.6);
    let [open, closed] = [1, 4];
    for (let step = 0; step < 1000; step++) {
      open = nextDemand(open, 1e9, 1.1);
      closed = nextDemand(closed, 0, 1.1);
    }
    assert.deepEqual([open, closed], [4, 1]);
  });

  test("every household is in the control group one day in 64", () => {
    const trial = new PaceTrial({ counts: allocatePaceCounts(), demand: allocateDemand() });
    for (const household of [0, 0x12345678, 0xffffffff | 0]) {
      const days = Array.from({ length: 64 }, (_, day) => trial.isControl(household, day * DAY + 5));
      assert.equal(days.filter(Boolean).length, 1);
    }
  });
});
