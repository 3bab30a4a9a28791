/**
 * A cluster whose trackers, servers and link fail, under steady load: real processes on this machine, which all share its
 * cores. The last row needs root, for network namespaces.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Bed } from "../../test/support/bed.ts";
import { ClusterRig } from "../../test/support/cluster-rig.ts";
import { Crowd } from "../../test/support/crowd/crowd.ts";
import type { Comparison, TrackerReport } from "../../test/support/crowd/protocol.ts";
import { showProgress } from "../progress.ts";
import type { Setting } from "../setting.ts";
import type { Table } from "../table.ts";

/** How much, and for how long. Times in seconds. */
interface Amounts {
  readonly perSecond: number;
  readonly swarms: number;
  readonly peersInSwarm: number;
  readonly calm: number;
  readonly down: number;
  readonly stopped: number;
  readonly allKilled: number;
  readonly cut: number;
}

const FULL: Amounts = {
  perSecond: 2000,
  swarms: 10_000,
  peersInSwarm: 15,
  calm: 10,
  down: 5,
  stopped: 30,
  allKilled: 10,
  cut: 300,
};
const QUICK: Amounts = { ...FULL, swarms: 4000, calm: 5, down: 3, stopped: 10, allKilled: 5, cut: 20 };
/** So long after a repair incomplete answers are looked for. */
const AFTER_SECONDS = 8;
const CHURN = 0.04;

/** @returns one table. */
export async function measureCluster({ quick }: Setting): Promise<Table> {
  const amounts = quick ? QUICK : FULL;
  const rows = [
    ...(await withRig(amounts, [3], 0, (rig, crowd) => measureNodes(rig, crowd, amounts))),
    ...(await withRig(amounts, [1, 1], 0.2, (rig, crowd) => measureLink(rig, crowd, amounts))),
  ];
  return {
    title: "A cluster whose parts fail",
    notes: [
      `${amounts.perSecond} announces a second over HTTP, ${amounts.swarms * amounts.peersInSwarm} peers in ${amounts.swarms} torrents; ${CHURN * 100} % of announces are stops, and as many peers are new.`,
      "Trackers, servers and clients share the cores. A peer is known a second after the answer to its first announce.",
      "Complete again: from the repair (of a tracker: from its start) to the last answer that lacked a known peer.",
    ],
    columns: ["what fails", "measured", "value", "wanted"],
    rows,
  };
}

type Rows = string[][];

async function withRig(
  { perSecond, swarms, peersInSwarm }: Amounts,
  sites: readonly number[],
  privateShare: number,
  measure: (rig: ClusterRig, crowd: Crowd) => Promise<Rows>,
): Promise<Rows> {
  const ends: (() => Promise<void>)[] = [];
  const bed = await Bed.open({ after: (clear) => ends.push(clear) });
  try {
    showProgress(`a cluster with ${sites.join(" and ")} nodes`);
    const rig = await ClusterRig.start(bed, { sites, keys: { tracker: { max_peers: 1_000_000 } } });
    const plan = { trackers: rig.crowdTrackers, swarms, peersInSwarm, churn: CHURN, privateShare };
    const crowd = new Crowd(plan, rig.core);
    ends.unshift(() => crowd.stop());
    await crowd.ask({ kind: "fill" });
    await crowd.ask({ kind: "rate", perSecond });
    await delay(3000);
    await crowd.ask({ kind: "report" });
    const rows = await measure(rig, crowd);
    await crowd.ask({ kind: "rate", perSecond: 0 });
    await delay(2000);
    return [
      ...rows,
      [
        "at the end",
        "torrents that differ, peers that lack or are too many",
        differences(await crowd.ask({ kind: "compare" })),
        "0",
      ],
    ];
  } finally {
    for (const end of ends) await end();
  }
}

async function measureNodes(rig: ClusterRig, crowd: Crowd, amounts: Amounts): Promise<Rows> {
  const rows: Rows = [];
  for (const [i, { name }] of rig.nodes.entries()) {
    showProgress(`${name} is killed`);
    await crowd.ask({ kind: "report" });
    const at = await rig.kill(i);
    await crowd.ask({ kind: "killed", tracker: i, at });
    await delay(amounts.down * 1000);
    const survivors = (await crowd.ask({ kind: "report" })).filter((_, other) => other !== i);
    const checked = sum(survivors, "checked");
    const begun = Date.now();
    await rig.run(i);
    const ready = Date.now() - begun;
    await delay(AFTER_SECONDS * 1000);
    const { lastIncompleteAt } = (await crowd.ask({ kind: "report" }))[i];
    const complete = (1 - sum(survivors, "incomplete") / checked) * 100;
    rows.push(
      [
        `${name} is killed`,
        "survivors' answers that hold all known peers",
        `${complete.toFixed(3)} %`,
        "≥ 99.9 %",
      ],
      [
        `${name} is killed`,
        "ready, and complete again, after its start",
        `${seconds(ready)}, ${seconds(Math.max(ready, lastIncompleteAt - begun))}`,
        "≤ 5 s",
      ],
    );
  }
  const [first, second] = rig.nodes.map(({ server }) => server);
  const all = rig.nodes.map(({ server }) => server);
  rows.push(
    ...(await measureFault(crowd, amounts, ["a server is killed", amounts.allKilled], async () => {
      await first.kill();
      return () => first.start();
    })),
    ...(await measureFault(crowd, amounts, ["a server is stopped", amounts.stopped], async () => {
      second.pause();
      return async () => second.resume();
    })),
    ...(await measureFault(crowd, amounts, ["all servers are killed", amounts.allKilled], async () => {
      await Promise.all(all.map((server) => server.kill()));
      return async () => {
        await Promise.all(all.map((server) => server.start()));
      };
    })),
  );
  return rows;
}

/** The time of an answer during a fault, against that before, and how soon answers are complete after it. */
async function measureFault(
  crowd: Crowd,
  { calm }: Amounts,
  [name, lasts]: readonly [string, number],
  fail: () => Promise<() => Promise<void>>,
): Promise<Rows> {
  showProgress(name);
  await crowd.ask({ kind: "report" });
  await delay(calm * 1000);
  const before = p99Of(await crowd.ask({ kind: "report" }));
  const repair = await fail();
  await delay(lasts * 1000);
  const during = p99Of(await crowd.ask({ kind: "report" }));
  await repair();
  const repaired = Date.now();
  await delay(AFTER_SECONDS * 1000);
  const last = Math.max(...(await crowd.ask({ kind: "report" })).map((report) => report.lastIncompleteAt));
  const times = `${during.toFixed(2)} ms / ${before.toFixed(2)} ms = ${(during / before).toFixed(2)}`;
  return [
    [`${name}, ${lasts} s`, "p99 of announces, to that before", times, "≤ 1.05"],
    [`${name}, ${lasts} s`, "complete again", seconds(Math.max(0, last - repaired)), "≤ 5 s"],
  ];
}

async function measureLink(rig: ClusterRig, crowd: Crowd, { cut }: Amounts): Promise<Rows> {
  showProgress("the link between two sites is cut");
  await crowd.ask({ kind: "report" });
  await crowd.ask({ kind: "apart", since: Date.now() });
  rig.cut();
  await delay(cut * 1000);
  const during = await crowd.ask({ kind: "report" });
  rig.heal();
  const healed = Date.now();
  await crowd.ask({ kind: "apart", since: null });
  await delay((AFTER_SECONDS + 2) * 1000);
  const after = await crowd.ask({ kind: "report" });
  const last = Math.max(...after.map((report) => report.lastIncompleteAt));
  const name = `the link of two sites, ${cut} s`;
  const lacking = `${sum(during, "incomplete")} of ${sum(during, "checked")}`;
  return [
    [name, "answers that lack a peer of their site, or of before", lacking, "0"],
    [name, "complete again", seconds(Math.max(0, last - healed)), "≤ 5 s"],
    [
      name,
      "answers with a private address of the other site",
      String(sum([...during, ...after], "leaks")),
      "0",
    ],
  ];
}

function differences({ differing, missing, stale }: Comparison): string {
  const total = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  return `${differing}, ${total(missing)}, ${total(stale)}`;
}

function sum(reports: readonly TrackerReport[], key: "checked" | "incomplete" | "leaks"): number {
  return reports.reduce((total, report) => total + report[key], 0);
}

function p99Of(reports: readonly TrackerReport[]): number {
  const times = reports.flatMap(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
