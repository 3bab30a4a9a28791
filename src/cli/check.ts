/** The command `btrt check`. */
import { type LoadedConfig, type LoadReport, loadConfig } from "../config/load.ts";
import { formatKeyPath, formatProblem, type Problem } from "../config/problem.ts";
import { checkDatabase } from "./doctor/database.ts";
import { print, printError } from "./output.ts";
import { readSources } from "./prefix-sources.ts";
import { readSandbox, type Sandbox } from "./service-sandbox.ts";
import { asServiceUser, hasServiceRights } from "./service-user.ts";
import { summary } from "./summary.ts";
import { findHiddenFiles, findUnwritablePlaces } from "./written-places.ts";

/** What else is checked. */
export interface CheckOptions {
  /** The database, and its schema version. */
  readonly database: boolean;
  /** The sources of peer groups: they are read. */
  readonly sources: boolean;
}

/**
 * Prints all problems of a configuration to standard error, or a summary to standard output. Files are read and written
 * with the rights that the tracker will have.
 * @returns the exit code: 1 if there are problems.
 */
export async function check(configFile: string, { database, sources }: CheckOptions): Promise<number> {
  const sandbox = await readSandbox(configFile);
  return await asServiceUser(configFile, async () => {
    const loaded = await loadConfig({ configFile });
    const found = loaded.config === null ? loaded.problems : findFileProblems(configFile, loaded, sandbox);
    if (loaded.config === null || found.length > 0) {
      const problems = found.map(
        (problem) => `${problem.line === 0 ? "btrt: " : ""}${formatProblem(problem)}`,
      );
      const warnings = loaded.warnings.map((warning) => `${formatProblem(warning)} (a warning)`);
      printError([...problems, ...warnings].join("\n"));
      return 1;
    }
    const findings = database ? await checkDatabase({ loaded }) : [];
    const problems = findings.filter(({ verdict }) => verdict === "problem");
    for (const { text, remedy } of problems) printError(`btrt: database: ${text}: ${remedy}`);
    if (problems.length > 0) return 1;
    const readings = sources ? await readSources(loaded.prefixSources) : [];
    const unread = readings.filter(({ isRead }) => !isRead);
    for (const { group, text } of unread)
      printError(`btrt: the source of the peer group "${group}": ${text}`);
    if (unread.length > 0) return 1;
    const lines = readings.map(({ group, text }) => `  "${group}": ${text}\n`);
    const shown = lines.length === 0 ? "" : `\nPrefix sources, as they are now\n${lines.join("")}`;
    return print(summary(configFile, loaded) + shown);
  });
}

/** Problems of the files that the tracker reads and writes, as far as this user can find them. */
function findFileProblems(
  configFile: string,
  loaded: LoadedConfig & LoadReport,
  sandbox: Sandbox,
): readonly Problem[] {
  if (!hasServiceRights(configFile)) return [];
  return [...findHiddenFiles(loaded, sandbox), ...findUnwritablePlaces(loaded, sandbox)].map(
    ({ path, text, remedy }) => ({
      file: configFile,
      ...(path === undefined ? { line: 0, column: 0, key: "" } : loaded.position(path)),
      key: path === undefined ? "" : formatKeyPath(path),
      message: `${text}: ${remedy}`,
    }),
  );
}
