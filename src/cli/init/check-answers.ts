/** Checks answers before a configuration is written. */
import { isIP } from "node:net";
import { loadConfig } from "../../config/load.ts";
import { quote } from "../../config/problem.ts";
import { type ReadFile, readFromDisk } from "../../config/read-file.ts";
import type { Answers } from "./answers.ts";
import { parseNodes } from "./cluster/nodes.ts";
import { configText } from "./config-text.ts";

const NAME = /^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)*[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i;

/** All problems of the answers, one clause each, as `btrt check` would report them. */
export async function problemsOf(answers: Answers, configFile: string): Promise<string[]> {
  const names = answers.name.filter((name) => !NAME.test(name)).map((name) => `${quote(name)} is not a name`);
  const addresses = answers.address
    .filter((address) => isIP(address) === 0)
    .map((address) => `${quote(address)} is not an IP address`);
  const text = configText(answers, configFile);
  const read: ReadFile = (path) => (path === configFile ? inMemory(text) : readFromDisk(path));
  const { problems } = await loadConfig({ configFile }, read);
  const inConfig = problems.map(({ file, line, key, message }) =>
    [file === configFile ? key : `${file}:${line}`, message].filter((part) => part !== "").join(": "),
  );
  return [...names, ...addresses, ...parseNodes(answers.cluster).problems, ...inConfig];
}

async function* inMemory(text: string) {
  yield Buffer.from(text);
}
