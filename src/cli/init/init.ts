/** `btrt init`: a first configuration, from questions or from flags. */
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isInstalled } from "../config-file.ts";
import { dnsLines } from "../dns-lines.ts";
import { print, printError } from "../output.ts";
import { type Answers, defaultAnswers } from "./answers.ts";
import { problemsOf } from "./check-answers.ts";
import { configText, defaultDatabase, isServer } from "./config-text.ts";
import { askFor, InterruptedError, type Terminal } from "./questions.ts";

/**
 * Writes a configuration that `btrt check` finds good, and says what else is to be done.
 * @param flags answers given on the command line. With `local` among them nothing is asked.
 * @param terminal where to ask; undefined when nobody is there.
 * @returns the exit code: 1 when nothing was written.
 */
export async function init(
  configFile: string,
  flags: Partial<Answers>,
  force: boolean,
  terminal: Terminal | undefined,
): Promise<number> {
  if (existsSync(configFile) && !force) {
    printError(
      `btrt: ${configFile} is there already; --force writes another, and keeps it as ${configFile}.old`,
    );
    return 1;
  }
  try {
    const given = { ...defaultAnswers(defaultDatabase(configFile)), ...flags };
    const answers = await complete(given, configFile, terminal);
    if (answers === undefined) return 1;
    await write(configFile, configText(answers, configFile), force);
    return await print(`${configFile}: written\n\n${whatNext(answers, configFile)}`);
  } catch (error) {
    if (error instanceof InterruptedError) printError("\nbtrt: nothing is written");
    else if (error instanceof Error && "code" in error) printError(`btrt: ${error.message}`);
    else throw error;
    return 1;
  }
}

/** The answers, if they can be used. What keeps them from it is said. */
async function complete(
  given: Answers,
  configFile: string,
  terminal: Terminal | undefined,
): Promise<Answers | undefined> {
  if (given.local.length === 0) {
    if (terminal !== undefined) return await askFor(given, configFile, terminal);
    printError("btrt: whose addresses are near? Name them: --local PREFIX..., or ask from a terminal");
    return undefined;
  }
  const problems = await problemsOf(given, configFile);
  for (const problem of problems) printError(`btrt: ${problem}`);
  return problems.length === 0 ? given : undefined;
}

/** Never writes over a file: with `force` the one that is there gets another name. */
async function write(configFile: string, text: string, force: boolean): Promise<void> {
  await mkdir(dirname(configFile), { recursive: true });
  if (force && existsSync(configFile)) await rename(configFile, `${configFile}.old`);
  await writeFile(configFile, text, { flag: "wx" });
}

function whatNext(answers: Answers, configFile: string): string {
  const installed = isInstalled(configFile);
  const btrt = (command: string) => `  btrt ${command}${installed ? "" : ` --config ${configFile}`}`;
  const lines = [
    "Add to the DNS that subscribers ask, in the form of its server:",
    "",
    ...dnsLines(answers.name, answers.address).map((line) => `  ${line}`),
    "",
    "Then:",
    "",
    ...(isServer(answers) ? [btrt("db create")] : []),
    // systemd holds the ports that the package knows of.
    ...(installed && answers.port !== "80" ? ["  systemctl edit btrt.socket"] : []),
    installed ? "  service btrt restart" : btrt("run"),
    btrt("doctor"),
  ];
  return `${lines.join("\n")}\n`;
}
