/** Trackers are killed under load: every answer of the others is compared with what they must know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bed, until } from "../support/bed.ts";
import { ClusterRig, RIG_TOOLS } from "../support/cluster-rig.ts";
import { Crowd } from "../support/crowd/crowd.ts";
import type { TrackerReport } from "../support/crowd/protocol.ts";
import { toolsMissing } from "../support/tools.ts";

/** Announces a second: a machine that runs other tests besides has time for it. */
const PER_SECOND = 300;
/** So many answers must be complete in a row before a tracker counts as caught up. */
const ANSWERS = 50;
/**
 * The share of survivors' answers that may lack a peer: one that only the killed tracker had heard. At this rate one such
 * peer shows; bench/scenarios/cluster.ts has the figure for a real one.
 */
const INCOMPLETE = 0.01;

test("answers hold all peers known a second before, while each tracker is killed in turn", {
  skip: toolsMissing(RIG_TOOLS),
  timeout: 400_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const rig = await ClusterRig.start(bed, { sites: [3] });
  const crowd = new Crowd({ trackers: rig.crowdTrackers, swarms: 1000, peersInSwarm: 8, churn: 0.04 });
  t.after(() => crowd.stop());
  await crowd.ask({ kind: "fill" });
  await crowd.ask({ kind: "rate", perSecond: PER_SECOND });
  await crowd.ask({ kind: "report" });
  for (const victim of rig.nodes.keys()) {
    // What was announced while all announced at once has reached all trackers.
    let before = 0;
    await until("there is ordinary load", async () => {
      for (const { answered } of await crowd.ask({ kind: "report" })) before += answered;
      return before > 2 * PER_SECOND;
    });
    const at = await rig.kill(victim);
    await crowd.ask({ kind: "killed", tracker: victim, at });
    const survivors: TrackerReport[] = [];
    const count = (key: "checked" | "incomplete" | "unexplained") =>
      survivors.reduce((sum, report) => sum + report[key], 0);
    await until("the survivors have answered for a while", async () => {
      const reports = await crowd.ask({ kind: "report" });
      survivors.push(...reports.filter((_, i) => i !== victim));
      return count("checked") > 2 * PER_SECOND;
    });
    assert.equal(count("unexplained"), 0);
    const share = count("incomplete") / count("checked");
    t.diagnostic(`${count("incomplete")} of ${count("checked")} answers of the survivors lacked a peer`);
    assert.ok(share <= INCOMPLETE, `${share}`);
    const begun = performance.now();
    await rig.run(victim);
    await crowd.ask({ kind: "report" });
    let row = 0;
    await until("its answers are complete", async () => {
      const { checked, incomplete } = (await crowd.ask({ kind: "report" }))[victim];
      row = incomplete > 0 ? 0 : row + checked;
      return row > ANSWERS;
    });
    t.diagnostic(`complete ${Math.round(performance.now() - begun)} ms after its start`);
  }
  await crowd.ask({ kind: "rate", perSecond: 0 });
  await until("all have the same peers", async () => {
    const { differing, missing, stale } = await crowd.ask({ kind: "compare" });
    return differing === 0 && [...missing, ...stale].every((peers) => peers === 0);
  });
});
