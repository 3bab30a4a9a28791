/** The command `btrt doctor`: checks whether this machine can run the tracker, and suggests remedies. */
import { styleText } from "node:util";
import type { Status } from "../../admin/status.ts";
import { type LoadedConfig, type LoadReport, loadConfig } from "../../config/load.ts";
import { formatProblem } from "../../config/problem.ts";
import { AdminClientError, adminOf, askAdmin } from "../admin-client.ts";
import { print } from "../output.ts";
import { readSandbox } from "../service-sandbox.ts";
import { asServiceUser } from "../service-user.ts";
import { checkClock } from "./clock.ts";
import { checkCluster } from "./cluster.ts";
import { checkDatabase } from "./database.ts";
import { checkDisk } from "./disk.ts";
import { checkEngine } from "./engine.ts";
import { checkGroups, checkHandshakes, checkPlaces, checkSecrets } from "./files.ts";
import {
  type Check,
  type Finding,
  ok,
  problem,
  type Subject,
  unknown,
  type Verdict,
  warning,
} from "./finding.ts";
import { checkLimits } from "./limits.ts";
import { checkNames } from "./names.ts";
import { checkNeighbors } from "./neighbors.ts";
import { checkPorts } from "./ports.ts";
import { checkPrefixSources } from "./prefix-sources.ts";
import { checkReplySources } from "./reply-sources.ts";

/** The checks, in the order of the report. */
const CHECKS: Readonly<Record<string, Check>> = {
  tracker: async ({ running }) => describeRunning(running),
  ports: checkPorts,
  "UDP replies": checkReplySources,
  DNS: checkNames,
  io_uring: checkEngine,
  limits: checkLimits,
  database: checkDatabase,
  files: checkPlaces,
  disk: checkDisk,
  clock: checkClock,
  groups: checkGroups,
  "prefix sources": checkPrefixSources,
  secrets: checkSecrets,
  neighbors: checkNeighbors,
  cluster: checkCluster,
  handshakes: checkHandshakes,
};

/** Checks that open files as the tracker does: one after the other, with the rights of its user. */
const WITH_SERVICE_RIGHTS = ["database", "files"];

/** Timeout of a check, in milliseconds. */
const TIMEOUT_MS = 15_000;

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: styleText("green", "ok         "),
  warning: styleText("yellow", "warning    "),
  problem: styleText("red", "PROBLEM    "),
  unknown: styleText("dim", "not checked"),
};

/** The command's options. */
export interface DoctorOptions {
  readonly name: readonly string[];
  readonly resolver?: string;
  readonly json?: boolean;
}

/** A finding with its subject. */
type Line = Finding & { readonly about: string };

/**
 * Runs all checks, and prints their findings.
 * @returns the exit code: 1 if there is a problem; warnings do not count.
 */
export async function doctor(
  configFile: string,
  { name: names, resolver, json }: DoctorOptions,
): Promise<number> {
  const loaded = await asServiceUser(configFile, () => loadConfig({ configFile }));
  const lines: Line[] = describeConfig(configFile, loaded).map((finding) => ({
    about: "configuration",
    ...finding,
  }));
  if (loaded.config !== null) {
    const [running, sandbox] = await Promise.all([askRunning(configFile, loaded), readSandbox(configFile)]);
    lines.push(...(await runChecks({ configFile, loaded, running, sandbox, names, resolver })));
  }
  const written = await print(json ? `${JSON.stringify(lines)}\n` : format(lines));
  return lines.some(({ verdict }) => verdict === "problem") ? 1 : written;
}

/** Runs all checks. @returns the findings in the order of the checks. */
async function runChecks(subject: Subject): Promise<Line[]> {
  const found = new Map<string, readonly Finding[]>();
  const run = async (about: string) => found.set(about, await runCheck(CHECKS[about], subject));
  await asServiceUser(subject.configFile, async () => {
    for (const about of WITH_SERVICE_RIGHTS) await run(about);
  });
  const others = Object.keys(CHECKS).filter((about) => !WITH_SERVICE_RIGHTS.includes(about));
  await Promise.all(others.map(run));
  return Object.keys(CHECKS).flatMap((about) =>
    (found.get(about) ?? []).map((finding) => ({ about, ...finding })),
  );
}

async function runCheck(check: Check, subject: Subject): Promise<readonly Finding[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no reply in time")), TIMEOUT_MS);
  try {
    return await Promise.race([check(subject), promise]);
  } catch (error) {
    return [unknown(error instanceof Error ? error.message : String(error))];
  } finally {
    clearTimeout(timer);
  }
}

function describeConfig(
  configFile: string,
  { config, problems, warnings }: LoadReport & { readonly config: unknown },
): Finding[] {
  const found = [
    ...problems.map((each) => problem(formatProblem(each), "correct this first; nothing else was checked")),
    ...warnings.map((each) => warning(formatProblem(each), "check whether this is intended")),
  ];
  return config === null ? found : [ok(`${configFile} is valid`), ...found];
}

/** Queries the tracker that runs with a configuration; undefined if none replies. */
async function askRunning(configFile: string, loaded: LoadedConfig): Promise<Status | undefined> {
  try {
    return (await askAdmin(adminOf(loaded, configFile), "status")) as Status;
  } catch (error) {
    if (error instanceof AdminClientError) return undefined;
    throw error;
  }
}

function describeRunning(running: Status | undefined): Finding[] {
  if (running === undefined) return [unknown("none runs with this configuration")];
  const { version, pid, engine, ready } = running;
  const text = `version ${version}, process ${pid}, ${engine} engine, ${ready ? "answers" : "does not answer yet"}`;
  return [
    ready ? ok(text) : warning(text, "see the log for what it waits for"),
    ...running.warnings.map((each) => warning(each, 'see "btrt status" and the log')),
  ];
}

/** Formats the findings, each with its remedy below it, and the totals. */
function format(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ about }) => about.length));
  const indent = " ".repeat("not checked".length + width + 4);
  const body = lines.map(({ verdict, about, text, remedy }) =>
    [`${MARKS[verdict]}  ${about.padEnd(width)}  ${text}`, ...(remedy === undefined ? [] : [`→ ${remedy}`])]
      .join("\n")
      .replaceAll("\n", `\n${indent}`),
  );
  const count = (wanted: Verdict) => lines.filter(({ verdict }) => verdict === wanted).length;
  const problems = count("problem");
  const warnings = count("warning");
  return `${body.join("\n")}\n\n${problems} problem${problems === 1 ? "" : "s"}, ${warnings} warning${warnings === 1 ? "" : "s"}\n`;
}
