import assert from "node:assert/strict";
import { test } from "node:test";
import { makePolicy } from "../../test/support/policy.ts";
import { allocateDemand, allocatePaceCounts, PACE_CLASSES } from "../selection/pace-trial.ts";
import { PatienceControl } from "./patience-control.ts";

test("the demand changes when both groups have enough downloads, and is shown", () => {
  const policy = makePolicy("192.0.2.0/24");
  const bridged = { ...policy, selection: { ...policy.selection, policy: "bridged" as const } };
  const paceCounts = [allocatePaceCounts(), allocatePaceCounts()];
  const demand = allocateDemand();
  const control = new PatienceControl({ paceCounts, demand }, bridged);
  const count = (worker: number, downloads: number) => {
    // Limited downloads are two classes slower: 1.41 times.
    paceCounts[worker][40] += downloads;
    paceCounts[worker][PACE_CLASSES + 42] += downloads;
  };
  count(0, 300);
  control.check();
  assert.deepEqual(control.read(), { wanted: 1.1, measured: null, demand: 1, limited: 300, control: 300 });
  count(1, 300);
  control.check();
  assert.equal(demand[0], 1.25);
  assert.ok(Math.abs(Number(control.read()?.measured) - Math.SQRT2) < 1e-9);
  assert.equal(control.read()?.control, 0, "they begin anew");
  control.check();
  assert.equal(demand[0], 1.25);
  control.adopt(undefined, policy);
  assert.equal(control.read(), null, "nearest limits nothing");
});
