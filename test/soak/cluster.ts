/**
 * A cluster under random faults: `node test/soak/cluster.ts [--minutes 60] [--seed 1] [--rate 300] [--json FILE]
 * [--only FAULT,…]`, as root.
 * Two sites, three nodes. Trackers and servers are killed, stopped and paused, and the sites are cut apart, while a crowd
 * announces, starts and stops. After each fault all must agree within seconds; at the end of each round all peers of all
 * trackers are compared. It fails if they differ, if an answer lacks a peer without a reason, if a private address gets
 * to another site, or if memory grows. If they differ, their state is printed, and it waits until they agree: on a machine
 * whose processors others use, a round in which threads had to wait for a processor does not count, unless they never
 * agree.
 */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Random } from "../../src/model/random.ts";
import { Bed } from "../support/bed.ts";
import { ClusterRig } from "../support/cluster-rig.ts";
import { Crowd } from "../support/crowd/crowd.ts";
import type { Comparison, TrackerReport } from "../support/crowd/protocol.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "300" },
    json: { type: "string" },
    only: { type: "string" },
  },
});
const PLAN = { swarms: 400, peersInSwarm: 20, churn: 0.04, privateShare: 0.15 } as const;
/** All must agree so soon after a fault. */
const AGREED_MS = 5000;
/** A wait is made of such steps. If one takes longer than that, everything was stopped. */
const STEP_MS = 50;
const STOPPED_MS = 1000;
/** Trackers that differ may need so long until they agree, on a machine that is busy. */
const PATIENCE_MS = 60_000;
/** If a thread of a tracker or a server has waited so long for a processor after a repair, the machine was busy. */
const BUSY_MS = 2000;
/** Memory of the first tracker in the last fifth of the time, against that in the second one. */
const GROWTH_MAX = 1.1;

const random = new Random([Number(options.seed), 5, 6, 7]);
const ends: (() => Promise<void>)[] = [];
const bed = await Bed.open({ after: (clear) => ends.push(clear) });
const problems: string[] = [];
/** Memory of the first tracker after each round. */
const memory: number[] = [];

/** The tracker or server that failed last. */
let victim = "";

/** One that may end. The first tracker runs from begin to end, so that its memory can be compared. */
function pickMortal(rig: ClusterRig): number {
  const i = 1 + random.below(rig.nodes.length - 1);
  victim = rig.nodes[i].name;
  return i;
}

/** What can go wrong, each with its repair. */
const FAULTS: Readonly<Record<string, (rig: ClusterRig, crowd: Crowd) => Promise<() => Promise<void>>>> = {
  "a tracker is killed": async (rig, crowd) => {
    const i = pickMortal(rig);
    const at = await rig.kill(i);
    await crowd.ask({ kind: "killed", tracker: i, at });
    return () => rig.run(i);
  },
  "a tracker is stopped": async (rig) => {
    const i = pickMortal(rig);
    await rig.trackers[i].stop();
    return () => rig.run(i);
  },
  "a tracker hangs": async (rig) => {
    const i = random.below(rig.nodes.length);
    victim = rig.nodes[i].name;
    const { process } = rig.trackers[i];
    process.signal("SIGSTOP");
    return async () => process.signal("SIGCONT");
  },
  "a server is killed": async (rig) => {
    const { server, name } = rig.nodes[random.below(rig.nodes.length)];
    victim = name;
    await server.kill();
    return () => server.start();
  },
  "a server hangs": async (rig) => {
    const { server, name } = rig.nodes[random.below(rig.nodes.length)];
    victim = name;
    server.pause();
    return async () => server.resume();
  },
  "all servers are killed": async (rig) => {
    await Promise.all(rig.nodes.map(({ server }) => server.kill()));
    return async () => {
      await Promise.all(rig.nodes.map(({ server }) => server.start()));
    };
  },
  "the sites are cut apart": async (rig, crowd) => {
    await crowd.ask({ kind: "apart", since: Date.now() });
    rig.cut();
    return async () => rig.heal();
  },
};

/** Waits. @returns false if everything was stopped meanwhile, for instance a virtual machine. */
async function rest(milliseconds: number): Promise<boolean> {
  for (let passed = 0; passed < milliseconds; passed += STEP_MS) {
    const begin = performance.now();
    await delay(STEP_MS);
    if (performance.now() - begin > STOPPED_MS) return false;
  }
  return true;
}

/** One fault: it lasts for some seconds, is repaired, and then all must agree. */
async function round(rig: ClusterRig, crowd: Crowd, minute: number): Promise<void> {
  const names = options.only?.split(",") ?? Object.keys(FAULTS);
  const name = names[random.below(names.length)];
  const seconds = 1 + random.below(20);
  // Servers and links are the way by which trackers at one place know those at another.
  if (!name.startsWith("a tracker")) await crowd.ask({ kind: "apart", since: Date.now() });
  victim = "";
  const repair = await FAULTS[name](rig, crowd);
  await delay(seconds * 1000);
  const during = await crowd.ask({ kind: "report" });
  await repair();
  const repaired = Date.now();
  const waitedBefore = waitedMs(rig);
  while (!(await rest(AGREED_MS)));
  await crowd.ask({ kind: "report" });
  await crowd.ask({ kind: "apart", since: null });
  let after: readonly TrackerReport[];
  let wasQuiet: boolean;
  do {
    wasQuiet = await rest(2000);
    after = await crowd.ask({ kind: "report" });
  } while (!wasQuiet);
  await crowd.ask({ kind: "rate", perSecond: 0 });
  while (!(await rest(1500)));
  const compared = await crowd.ask({ kind: "compare" });
  const waits = [...waitedMs(rig)].map(([thread, ms]) => ms - (waitedBefore.get(thread) ?? 0));
  const waited = Math.round(Math.max(...waits));
  const difference = isEqual(compared) ? undefined : await untilEqual(rig, crowd);
  await crowd.ask({ kind: "rate", perSecond: Number(options.rate) });
  const sum = (
    reports: readonly TrackerReport[],
    key: "answered" | "checked" | "incomplete" | "unexplained" | "leaks",
  ) => reports.reduce((total, report) => total + report[key], 0);
  const line = {
    minute: Math.round(minute * 10) / 10,
    fault: name,
    victim,
    seconds,
    during: {
      answered: sum(during, "answered"),
      incomplete: sum(during, "incomplete"),
      unexplained: sum(during, "unexplained"),
    },
    after: {
      answered: sum(after, "answered"),
      incomplete: sum(after, "incomplete"),
      unexplained: sum(after, "unexplained"),
    },
    leaks: sum(during, "leaks") + sum(after, "leaks"),
    compared,
    waitedMs: waited,
    difference,
    megabytes: rig.trackers.map(({ process }) => residentMegabytes(process.pid)),
    servers: rig.nodes.map(({ server }) => residentMegabytes(server.pid)),
    boundMs: Date.now() - repaired,
  };
  memory.push(line.megabytes[0]);
  console.log(JSON.stringify(line));
  if (options.json !== undefined) appendFileSync(options.json, `${JSON.stringify(line)}\n`);
  const is = (problem: string, isSo: boolean) => {
    if (isSo) problems.push(`minute ${line.minute}, ${name}: ${problem}`);
  };
  is("a private address got to another site", line.leaks > 0);
  const wasBusy = waited > BUSY_MS;
  is("trackers differ", difference !== undefined && (difference.agreedMs === undefined || !wasBusy));
  is("answers lack peers after it", line.after.unexplained > 0 && !wasBusy);
}

function isEqual({ differing, missing, stale }: Comparison): boolean {
  return differing === 0 && [...missing, ...stale].every((count) => count === 0);
}

/** @returns what the nodes say of themselves, and when they agreed; undefined: not within {@link PATIENCE_MS}. */
async function untilEqual(rig: ClusterRig, crowd: Crowd) {
  const begin = Date.now();
  const states = await Promise.all(rig.nodes.map((_, i) => rig.status(i)));
  while (Date.now() - begin < PATIENCE_MS) {
    if (isEqual(await crowd.ask({ kind: "compare" }))) return { agreedMs: Date.now() - begin, states };
    await delay(1000);
  }
  return { agreedMs: undefined, states };
}

/** How long each thread of trackers and servers has waited for a processor since it started. */
function waitedMs(rig: ClusterRig): Map<string, number> {
  const pids = [
    ...rig.trackers.map(({ process }) => process.pid),
    ...rig.nodes.map(({ server }) => server.pid),
  ];
  const threads = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`),
  );
  return new Map(
    threads.map((file) => [file, Number(readFileSync(file, "latin1").split(" ")[1]) / 1e6] as const),
  );
}

/** How much memory has grown since everything was warm. */
function growth(): number {
  const fifth = Math.ceil(memory.length / 5);
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  return mean(memory.slice(-fifth)) / mean(memory.slice(fifth, 2 * fifth));
}

function residentMegabytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  return Math.round(Number(/^Rss: *(\d+) kB$/m.exec(rollup)?.[1]) / 1024);
}

try {
  const rig = await ClusterRig.start(bed, { sites: [2, 1] });
  const crowd = new Crowd({ trackers: rig.crowdTrackers, ...PLAN }, rig.core);
  ends.unshift(() => crowd.stop());
  await crowd.ask({ kind: "fill" });
  await crowd.ask({ kind: "rate", perSecond: Number(options.rate) });
  await delay(3000);
  await crowd.ask({ kind: "report" });
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 60_000;
  while (elapsed() < Number(options.minutes)) await round(rig, crowd, elapsed());
  console.log(
    `memory of the first tracker grew by the factor ${growth().toFixed(3)} in ${memory.length} rounds`,
  );
  if (growth() > GROWTH_MAX) problems.push("memory has grown");
} finally {
  for (const end of ends) await end();
}
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
