/** The command `btrt check`. */
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { checkDatabase } from "./doctor/database.ts";
import { print, printError } from "./output.ts";
import { summary } from "./summary.ts";

/**
 * Prints all problems of a configuration to standard error, or a summary to standard output.
 * @param withDatabase whether to check the database as well, and its schema version.
 * @returns the exit code: 1 if there are problems.
 */
export async function check(configFile: string, withDatabase: boolean): Promise<number> {
  const loaded = await loadConfig({ configFile });
  if (loaded.config === null) {
    const problems = loaded.problems.map(
      (problem) => `${problem.line === 0 ? "btrt: " : ""}${formatProblem(problem)}`,
    );
    const warnings = loaded.warnings.map((warning) => `${formatProblem(warning)} (a warning)`);
    printError([...problems, ...warnings].join("\n"));
    return 1;
  }
  const findings = withDatabase ? await checkDatabase({ loaded }) : [];
  const problems = findings.filter(({ verdict }) => verdict === "problem");
  for (const { text, remedy } of problems) printError(`btrt: database: ${text}: ${remedy}`);
  if (problems.length > 0) return 1;
  return print(summary(configFile, loaded));
}
