/** The command `btrt init`: creates a configuration, from questions or flags. */
import { existsSync } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isInstalled } from "../../config/config-file.ts";
import { defaultDatabase } from "../../config/sections/database.ts";
import { dnsLines } from "../dns-lines.ts";
import { print, printError } from "../output.ts";
import { type Answers, defaultAnswers } from "./answers.ts";
import { problemsOf } from "./check-answers.ts";
import { describeCluster, writeCluster } from "./cluster/write-cluster.ts";
import { configText, isServer } from "./config-text.ts";
import { askFor, InterruptedError, type Terminal } from "./questions.ts";

/**
 * Writes a valid configuration, and prints the next steps.
 * @param flags answers on the command line. With `local` among them no questions are asked.
 * @param terminal for the questions; undefined without one.
 * @returns the exit code: 1 if nothing was written.
 */
export async function init(
  configFile: string,
  flags: Partial<Answers>,
  force: boolean,
  terminal: Terminal | undefined,
): Promise<number> {
  const given = { ...defaultAnswers(defaultDatabase(configFile)), ...flags };
  const reason = force ? undefined : reasonToKeep(configFile, given);
  if (reason !== undefined) {
    printError(`btrt: ${reason}`);
    return 1;
  }
  try {
    const answers = await complete(given, configFile, terminal);
    if (answers === undefined) return 1;
    if (answers.directory !== "") {
      const written = await writeCluster(answers, configFile);
      return await print(describeCluster(answers, written, flags.address ?? []));
    }
    await write(configFile, configText(answers, configFile), force);
    return await print(`${configFile}: written\n\n${whatNext(answers, configFile)}`);
  } catch (error) {
    if (error instanceof InterruptedError) printError("\nbtrt: nothing was written");
    else if (error instanceof Error && "code" in error) printError(`btrt: ${error.message}`);
    else throw error;
    return 1;
  }
}

/** Why the files that are there may not be replaced; undefined if there are none. */
function reasonToKeep(configFile: string, { directory }: Answers): string | undefined {
  if (directory === "") {
    if (!existsSync(configFile)) return undefined;
    return `${configFile} exists; --force replaces it, and keeps it as ${configFile}.old`;
  }
  if (!existsSync(directory)) return undefined;
  return `${directory} exists; --force writes its configurations again, and keeps its secret, keys and certificates`;
}

/** The complete answers; undefined if they are invalid, which is reported. */
async function complete(
  given: Answers,
  configFile: string,
  terminal: Terminal | undefined,
): Promise<Answers | undefined> {
  const areNodesMissing = given.directory !== "" && given.cluster.length === 0;
  if (given.local.length === 0 || areNodesMissing) {
    if (terminal !== undefined) return await askFor(given, configFile, terminal);
    const missing = areNodesMissing
      ? "the nodes of the cluster are missing: use --cluster NAME=ADDRESS..."
      : "your own networks are missing: use --local PREFIX...";
    printError(`btrt: ${missing}, or run it on a terminal`);
    return undefined;
  }
  const problems = await problemsOf(given, configFile);
  for (const problem of problems) printError(`btrt: ${problem}`);
  return problems.length === 0 ? given : undefined;
}

/**
 * Never overwrites a file: with `force` the existing one is renamed. The new file has its owner and mode, as the service
 * must be able to read it and others perhaps must not.
 */
async function write(configFile: string, text: string, force: boolean): Promise<void> {
  await mkdir(dirname(configFile), { recursive: true });
  const before = force ? await stat(configFile).catch(() => undefined) : undefined;
  if (before !== undefined) await rename(configFile, `${configFile}.old`);
  const file = await open(configFile, "wx", before === undefined ? undefined : 0o600);
  try {
    if (before !== undefined) {
      // Only root can give a file to another user.
      await file.chown(before.uid, before.gid).catch(() => {});
      await file.chmod(before.mode & 0o777);
    }
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

function whatNext(answers: Answers, configFile: string): string {
  const installed = isInstalled(configFile);
  const btrt = (command: string) => `  btrt ${command}${installed ? "" : ` --config ${configFile}`}`;
  const lines = [
    "Add to your subscribers' DNS, in the format of its server:",
    "",
    ...dnsLines(answers.name, answers.address).map((line) => `  ${line}`),
    "",
    "Then:",
    "",
    ...(isServer(answers) ? [btrt("db create")] : []),
    // The package's btrt.socket holds the default ports.
    ...(installed && answers.port !== "80" ? ["  systemctl edit btrt.socket"] : []),
    installed ? "  service btrt restart" : btrt("run"),
    btrt("doctor"),
  ];
  return `${lines.join("\n")}\n`;
}
