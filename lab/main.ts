/**
 * The lab: measures how much traffic stays inside. Real clients run in network namespaces behind narrow links, with any
 * tracker. The bytes that one network sends to another are counted. `npm run lab -- --help` lists the options.
 */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { plot } from "./plot.ts";
import { reportGateTargets, reportScenario, reportTargets } from "./report.ts";
import { type RunResult, run } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { removeStale } from "./site.ts";
import { OWN_TREE, type Settings, TRACKERS, type TrackerName } from "./trackers.ts";

/** A tracker that is run only when it is chosen: it needs nats-server, and is compared with `bridged`. */
const ONLY_CHOSEN: TrackerName = "bridged-cluster";

const HELP = `npm run lab -- [options]        (as root; needs iproute2, nftables, opentracker, python3-libtorrent, aria2, rtorrent)

  --scenario NAME,…   only these; "list" lists them
  --tracker NAME,…    only these of ${TRACKERS.join(", ")};
                      ${ONLY_CHOSEN} is only run when it is named here
  --repeat N          runs of each (3)
  --at-once N         so many runs side by side (1); watch the load
  --quick             one run of each of a few scenarios
  --set KEY=VALUE     a key of BTRT's configuration for all runs: --set selection.stall_seconds=8
  --tree DIRECTORY    BTRT in another directory than this
  --watch             with --json: also what each client has, second by second, and when the gate closes and opens it
  --json FILE         append every run to a file, a JSON object a line
  --from FILE         take the runs in such a file, too
  --write             write the result, dated, to docs/benchmarks
`;

const { values: options } = parseArgs({
  options: {
    scenario: { type: "string" },
    tracker: { type: "string" },
    repeat: { type: "string" },
    "at-once": { type: "string" },
    quick: { type: "boolean" },
    set: { type: "string", multiple: true },
    tree: { type: "string" },
    json: { type: "string" },
    watch: { type: "boolean" },
    from: { type: "string", multiple: true },
    write: { type: "boolean" },
    help: { type: "boolean" },
  },
});

if (options.help) {
  console.log(HELP);
} else if (options.scenario === "list") {
  for (const { name, about } of SCENARIOS) console.log(`${name.padEnd(22)}${about}`);
} else {
  await main();
}

async function main(): Promise<void> {
  const scenarios = chooseScenarios();
  const trackers = chooseTrackers();
  const repetitions = Number(options.repeat ?? (options.quick ? 1 : 3));
  const runs = (await Promise.all((options.from ?? []).map(readRuns))).flat();
  if (repetitions > 0) await removeStale();
  // Trackers take turns, so that other load on the machine affects all of them.
  const plan = Array.from({ length: repetitions }, (_, i) =>
    scenarios.flatMap((scenario) =>
      trackersFor(scenario, trackers).map((tracker) => ({ scenario, tracker, repetition: i + 1 })),
    ),
  )
    .flat()
    .values();
  const work = async () => {
    for (const { scenario, tracker, repetition } of plan) {
      // One failure must not end a run of an hour.
      await runOnce(scenario, tracker, repetition).then(
        (result) => runs.push(result),
        (error) => {
          console.error(`${scenario.name}, ${tracker}, ${repetition} failed: ${error}`);
          process.exitCode = 1;
        },
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce() }, work));
  for (const scenario of scenarios) {
    const its = runs.filter((each) => each.scenario === scenario.name);
    if (its.length > 0) console.log(reportScenario(scenario, its));
  }
  console.log(reportTargets(SCENARIOS, runs));
  console.log(reportGateTargets(SCENARIOS, runs));
  if (options.write) await write(runs);
}

async function runOnce(scenario: Scenario, tracker: TrackerName, repetition: number): Promise<RunResult> {
  const before = performance.now();
  const result = await run({
    scenario,
    tracker,
    repetition,
    tried: triedSettings(),
    tree: options.tree ?? OWN_TREE,
    isWatched: options.watch ?? false,
  });
  const seconds = ((performance.now() - before) / 1000).toFixed(0);
  console.error(`${scenario.name}, ${tracker}, ${repetition}: ${seconds} s, load ${result.load.toFixed(2)}`);
  if (options.json !== undefined) await appendFile(options.json, `${JSON.stringify(result)}\n`);
  return result;
}

async function write(runs: readonly RunResult[]): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const directory = join(OWN_TREE, "docs/benchmarks");
  await mkdir(directory, { recursive: true });
  const names = SCENARIOS.map(({ name }) => name);
  await writeFile(join(directory, `${date}-lab.svg`), plot(names, runs));
  const chosen = (options.set ?? []).map((pair) => `\`${pair.replace("=", ": ")}\``);
  const parts = [
    `# The lab, ${date}`,
    `Copies of the file that entered a home (mean over homes; the least is 1 where no home peer has it), copies that left it, seconds to completion of the clients at home. Medians of the runs, in parentheses the extremes. ${cpus().length} processors (${cpus()[0]?.model.trim()}), ${atOnce()} runs at a time.${chosen.length === 0 ? "" : ` With ${chosen.join(", ")}.`}`,
    "✓ met · ≈ missed by less than opentracker's own runs differ · ✗ missed. A home into which at most 1.1 copies entered meets the target for copies: nothing was left to be saved.",
    `![copies and completion, by scenario and tracker](${date}-lab.svg)`,
    reportTargets(SCENARIOS, runs),
    reportGateTargets(SCENARIOS, runs),
    "## Scenarios",
    ...SCENARIOS.map((scenario) =>
      reportScenario(
        scenario,
        runs.filter((each) => each.scenario === scenario.name),
      ),
    ),
  ];
  const text = parts.filter((part) => part !== "").map((part) => part.trimEnd());
  await writeFile(join(directory, `${date}-lab.md`), `${text.join("\n\n")}\n`);
  console.error(`written: docs/benchmarks/${date}-lab.md and .svg`);
}

function atOnce(): number {
  return Number(options["at-once"] ?? 1);
}

function chooseScenarios(): readonly Scenario[] {
  if (options.scenario === undefined)
    return options.quick ? SCENARIOS.filter(({ quick }) => quick) : SCENARIOS;
  return options.scenario.split(",").map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found === undefined) throw new Error(`no scenario ${name}; --scenario list lists them`);
    return found;
  });
}

function chooseTrackers(): readonly TrackerName[] {
  if (options.tracker === undefined) return TRACKERS.filter((tracker) => tracker !== ONLY_CHOSEN);
  return options.tracker.split(",").map((name) => {
    const found = TRACKERS.find((tracker) => tracker === name);
    if (found === undefined) throw new Error(`no tracker ${name}; there are ${TRACKERS.join(", ")}`);
    return found;
  });
}

/** The trackers that a scenario is run with. Only scenarios with targets for the gate are run with a gate. */
function trackersFor({ gate }: Scenario, chosen: readonly TrackerName[]): readonly TrackerName[] {
  return gate === undefined ? chosen.filter((tracker) => tracker !== "bridged-gate") : chosen;
}

/** The values of `--set`, by section; digits become numbers. */
function triedSettings(): Record<string, Settings> {
  const tried: Record<string, Settings> = {};
  for (const pair of options.set ?? []) {
    const [, section, key, value] = /^(\w+)\.(\w+)=(.*)$/.exec(pair) ?? [];
    if (section === undefined) throw new Error(`--set ${pair}: not SECTION.KEY=VALUE`);
    tried[section] = { ...tried[section], [key]: /^\d+$/.test(value) ? Number(value) : value };
  }
  return tried;
}

async function readRuns(file: string): Promise<RunResult[]> {
  const text = await readFile(file, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line): RunResult => JSON.parse(line));
}
