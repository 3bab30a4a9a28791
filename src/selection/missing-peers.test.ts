/** The outside peers that `bridged` returns to clients whose home has complete copies. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, coarseLeft } from "../model/announce.ts";
import { GROUP_IDS } from "../network/peer-groups.ts";
import { ask, bridged, outside } from "../tracker/bridged-fixture.ts";
import { PATIENCE_MAX } from "./bridged.ts";
import { allocateDemand, allocatePaceCounts, PACE_GROUP, PaceTrial } from "./pace-trial.ts";
import { downloadsOf } from "./slowdown.ts";

/** A trial in which one of so many households is in the control group. */
function makeTrial(controlPart: number) {
  const counts = allocatePaceCounts();
  const demand = allocateDemand();
  return { counts, demand, trial: new PaceTrial({ counts, demand }, controlPart) };
}

const NOBODY = 2 ** 30;

describe("missing peers", () => {
  test("outside peers supply what the complete copies at home do not send", () => {
    const outsidePeers = (patience: number, seeds: number, megabytes: number) => {
      const fixture = bridged({ patience });
      outside(fixture);
      for (let i = 1; i <= seeds; i++) ask(fixture, `12.0.0.${i}`, { left: 0 });
      return ask(fixture, "11.0.0.1", { left: coarseLeft(megabytes * 1e6) })["99"] ?? 0;
    };
    // 7 MB/s for a download of one interval of 300 s at 6.25 MB/s; 1.9 from each peer outside; at home 2.5 MB/s from each
    // copy, without the square root of their number.
    assert.equal(outsidePeers(1.1, 1, 1900), 4);
    assert.equal(outsidePeers(1.1, 2, 1900), 3);
    assert.equal(outsidePeers(1.1, 6, 1900), 0);
    assert.equal(outsidePeers(1.1, 1, 950), 8, "a short download lacks more");
    assert.equal(outsidePeers(1.1, 1, 5700), 2, "a long one less: it announces again");
    assert.equal(outsidePeers(1.01, 1, 1900), 20, "without patience, all");
    assert.equal(outsidePeers(2, 2, 1900), 0, "with more patience, none");
  });

  test("if outside peers are few, they are of the requester's own family", () => {
    const fixture = bridged({ patience: 1.1 });
    for (let i = 1; i <= 20; i++)
      fixture.announce(`99.0.0.${i}`, { left: 0, numWant: 0, other: `2001:db8:99::${i}` });
    ask(fixture, "12.0.0.1", { left: 0 });
    assert.equal(ask(fixture, "11.0.0.1", { left: coarseLeft(1.9e9) })["99"], 4);
    assert.equal(fixture.returned(6).length, 0);
  });

  test("complete copies at home are judged by what they deliver", () => {
    const fixture = bridged({ patience: 1.3 });
    const mega = (count: number) => ({ left: coarseLeft(count * 1e6) });
    outside(fixture);
    for (let i = 1; i <= 2; i++) ask(fixture, `12.0.0.${i}`, { left: 0 });
    for (let i = 1; i <= 3; i++) assert.deepEqual(ask(fixture, `11.0.0.${i}`, mega(5600))["99"], undefined);
    fixture.clock.seconds += 300;
    assert.equal(ask(fixture, "11.0.0.1", mega(5000))["99"], undefined, "2 MB/s");
    assert.equal(ask(fixture, "11.0.0.2", mega(5500))["99"], 1, "0.3 MB/s");
    fixture.clock.seconds += 300;
    assert.equal(ask(fixture, "11.0.0.2", mega(5000))["99"], undefined, "1.7 MB/s");
  });

  test("a dual-stack seeder is one complete copy, not two", () => {
    const fixture = bridged({ bridges: 1, patience: 1.1 });
    outside(fixture);
    const missing = { left: coarseLeft(1.9e9) };
    ask(fixture, "12.0.0.1", { left: 0, other: "2001:db8:12::1" });
    assert.equal(ask(fixture, "11.0.0.1", missing)["99"], 4);
    ask(fixture, "12.0.0.2", { left: 0 });
    assert.equal(ask(fixture, "11.0.0.1", missing)["99"], 3);
  });

  test("the control group gets all peers", () => {
    for (const [controlPart, expected] of [
      [1, 20],
      [NOBODY, 4],
    ] as const) {
      const fixture = bridged({ patience: 1.1, trial: makeTrial(controlPart).trial });
      outside(fixture);
      ask(fixture, "12.0.0.1", { left: 0 });
      assert.equal(ask(fixture, "11.0.0.1", { left: coarseLeft(1.9e9) })["99"], expected);
    }
  });

  test("with the most patience nobody is in the control group", () => {
    const fixture = bridged({ patience: PATIENCE_MAX, trial: makeTrial(1).trial });
    outside(fixture);
    for (const host of [1, 2]) ask(fixture, `12.0.0.${host}`, { left: 0 });
    assert.equal(ask(fixture, "11.0.0.1", { left: coarseLeft(1.9e9) })["99"], undefined);
  });

  test("in groups with the gate nobody is in the control group, and no download is counted", () => {
    const download = (gatedAddress: string) => {
      const { trial, counts } = makeTrial(1);
      const gatedGroups = new Uint8Array(GROUP_IDS);
      const fixture = bridged({ patience: 1.1, trial, gatedGroups });
      gatedGroups[fixture.groups.groupOf(parseAddress(gatedAddress))] = 1;
      outside(fixture);
      ask(fixture, "12.0.0.1", { left: 0 });
      ask(fixture, "11.0.0.1", { left: coarseLeft(1.9e9) });
      fixture.clock.seconds += 100;
      const returned = ask(fixture, "11.0.0.1", { left: coarseLeft(1e9) })["99"];
      return { returned, counted: downloadsOf(counts, PACE_GROUP.control) };
    };
    assert.deepEqual(download("11.0.0.1"), { returned: 3, counted: 0 });
    assert.deepEqual(download("13.0.0.1"), { returned: 20, counted: 1 });
  });

  test("the demand can be multiplied", () => {
    const { trial, demand } = makeTrial(NOBODY);
    const fixture = bridged({ patience: 1.1, trial });
    outside(fixture);
    ask(fixture, "12.0.0.1", { left: 0 });
    demand[0] = 2;
    assert.equal(ask(fixture, "11.0.0.1", { left: coarseLeft(1.9e9) })["99"], 8);
  });

  test("downloads are counted where home has complete copies, also those that complete before the second announce", () => {
    const { trial, counts } = makeTrial(NOBODY);
    const fixture = bridged({ patience: 2, trial });
    const all = () => downloadsOf(counts, PACE_GROUP.limited);
    outside(fixture);
    ask(fixture, "11.0.0.1", { left: coarseLeft(1e9) });
    fixture.clock.seconds += 100;
    ask(fixture, "11.0.0.1", { left: coarseLeft(5e8) });
    assert.equal(all(), 0, "no complete copy at home");
    ask(fixture, "12.0.0.1", { left: 0 });
    ask(fixture, "11.0.0.2", { left: coarseLeft(1e9) });
    assert.equal(all(), 0, "it has just begun");
    fixture.clock.seconds += 100;
    ask(fixture, "11.0.0.2", { left: 0, event: ANNOUNCE_EVENT.completed });
    assert.equal(all(), 1);
    ask(fixture, "11.0.0.2", { left: 0 });
    ask(fixture, "11.0.0.1", { left: coarseLeft(4e8) });
    assert.equal(all(), 2, "a seeder downloads nothing");
  });
});
