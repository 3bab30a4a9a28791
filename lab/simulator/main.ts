/**
 * The simulator: the real tracker and thousands of simulated swarms in seconds, to try policies and to project what
 * they save. What clients do is simpler here than in the lab; `--lab` shows how near it comes to real ones.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { RunResult } from "../run.ts";
import { type ReportOptions, reportPolicies, reportScenarios, reportSettings } from "./report.ts";
import type { TriedSelection } from "./simulated-tracker.ts";

const HELP = `npm run simulate -- [options]

  By default: every policy on swarms of all sizes, beside the least that must enter (bound.ts), and projections for
  operators. The assumptions are in population.ts.
  --settings         "bridged" with one setting after the other changed
  --lab              the lab's scenarios; with --from FILE (of "npm run lab -- --json FILE") beside what real clients did
  --set KEY=NUMBER   a setting of "bridged": --set bridges=1; of ${[...keys().keys()].join(", ")}
  --sizes N,N        downloads a day of the torrents (0.5 to 512)
  --public           clients ask a public tracker, too
  --outside-unknown  with --public: clients outside ask the public tracker only
  --gate             also "bridged" with a gate: routers refuse the outside connections of closed clients
  --rush             all clients arrive within half an hour
  --outside N        clients outside for each at home (2)
  --uplink MBIT      Mbit/s that each torrent may use between the home and the outside (unlimited)
  --upload X         multiplies everybody's upload rate (1)
  --seed N           other random numbers (1)
  --effort X         multiplies the number of swarms (1)
`;

const { values: options } = parseArgs({
  options: {
    settings: { type: "boolean" },
    lab: { type: "boolean" },
    from: { type: "string" },
    set: { type: "string", multiple: true },
    sizes: { type: "string" },
    public: { type: "boolean" },
    "outside-unknown": { type: "boolean" },
    gate: { type: "boolean" },
    rush: { type: "boolean" },
    outside: { type: "string" },
    uplink: { type: "string" },
    upload: { type: "string" },
    seed: { type: "string", default: "1" },
    effort: { type: "string", default: "1" },
    help: { type: "boolean" },
  },
});

if (options.help) {
  console.log(HELP);
} else {
  const chosen: ReportOptions = {
    seed: positive("seed", options.seed),
    effort: positive("effort", options.effort),
    selection: chosenSelection(),
    publicTracker: options.public ?? false,
    outsideUnknown: (options.public && options["outside-unknown"]) ?? false,
    gate: options.gate ?? false,
    rush: options.rush ?? false,
    ...(options.sizes && { sizes: options.sizes.split(",").map((size) => positive("sizes", size)) }),
    ...(options.outside && { outside: positive("outside", options.outside) }),
    ...(options.uplink && { uplink: positive("uplink", options.uplink) }),
    ...(options.upload && { upload: positive("upload", options.upload) }),
  };
  if (options.settings) console.log(reportSettings(chosen));
  else if (options.lab) console.log(reportScenarios(chosen, await labRuns()));
  else console.log(reportPolicies(chosen));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
}

/** Settings that can be tried, and their names here. */
function keys(): Map<string, keyof TriedSelection> {
  return new Map([
    ["bridges", "bridges"],
    ["home_peers_enough", "homePeersEnough"],
    ["home_seeds_enough", "homeSeedsEnough"],
    ["stall_seconds", "stallSeconds"],
    ["patience", "patience"],
  ]);
}

function chosenSelection(): Partial<TriedSelection> {
  const pairs = (options.set ?? []).map((pair) => {
    const [key, value] = pair.split("=");
    const name = keys().get(key);
    if (name === undefined || !/^\d+(\.\d+)?$/.test(value))
      throw new Error(`--set ${pair}: no such key, or no number`);
    return [name, Number(value)];
  });
  return Object.fromEntries(pairs);
}

async function labRuns(): Promise<RunResult[]> {
  if (options.from === undefined) return [];
  const lines = (await readFile(options.from, "utf8")).trimEnd().split("\n");
  return lines.map((line): RunResult => JSON.parse(line));
}
