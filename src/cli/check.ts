/** `btrt check`. */
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { checkDatabase } from "./doctor/database.ts";
import { print, printError } from "./output.ts";
import { summary } from "./summary.ts";

/**
 * Says all that is wrong with a configuration on standard error, or what it amounts to on standard output.
 * @param withDatabase whether the database must be there as well, with tables that this version can use.
 * @returns the exit code: 1 when anything is wrong.
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
