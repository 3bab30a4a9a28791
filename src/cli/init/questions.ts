/** Asks an operator at a terminal for the answers of `btrt init`. */
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import { DATABASE_KINDS } from "../../storage/databases.ts";
import type { Answers } from "./answers.ts";
import { problemsOf } from "./check-answers.ts";
import { isServer } from "./config-text.ts";

interface Question {
  readonly key: keyof Answers;
  readonly text: string;
  /** Whether to ask, given the answers so far. */
  readonly when?: (answers: Answers) => boolean;
}

const QUESTIONS: readonly Question[] = [
  {
    key: "cluster",
    text: "Nodes of the cluster: NAME=ADDRESS of each; with several sites, NAME=ADDRESS@SITE",
    when: ({ directory }) => directory !== "",
  },
  { key: "local", text: "Prefixes of your own networks, or a file with one prefix per line" },
  { key: "partner", text: "Prefixes of partners' networks, or such a file" },
  { key: "neighbor", text: "Partners' retrackers: host names, or announce URLs" },
  { key: "name", text: "Names under which subscribers reach this tracker" },
  { key: "address", text: "Addresses of this machine to which these names shall resolve" },
  { key: "database", text: `Database: ${DATABASE_KINDS.map(({ suggestion }) => suggestion).join(", or ")}` },
  { key: "databaseUser", text: "The server's user", when: isServer },
  {
    key: "passwordFile",
    text: "A file with its password; none if it is in the environment (BTRT_DATABASE_PASSWORD)",
    when: isServer,
  },
];

/** End of input, or Ctrl-C, before all questions were answered. */
export class InterruptedError extends Error {}

/** A terminal, or its substitute in a test. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Asks all questions. An invalid answer is asked for again; an empty one keeps the value in `answers`.
 * @param answers from flags and defaults.
 * @throws InterruptedError
 */
export async function askFor(
  answers: Answers,
  configFile: string,
  { input, output }: Terminal,
): Promise<Answers> {
  const lines = createInterface({ input, terminal: false });
  const typed = lines[Symbol.asyncIterator]();
  let given = answers;
  output.write("An empty answer keeps the value in brackets. Separate several values by spaces.\n\n");
  try {
    for (const question of QUESTIONS) {
      if (question.when?.(given) === false) continue;
      for (let answered = false; !answered; ) {
        output.write(prompt(question, given));
        const { value: line, done } = await typed.next();
        if (done) throw new InterruptedError();
        const next = withAnswer(given, question.key, line.trim());
        const problems = await complaints(question, next, configFile);
        for (const problem of problems) output.write(`  ${problem}\n`);
        answered = problems.length === 0;
        if (answered) given = next;
      }
    }
    return given;
  } finally {
    lines.close();
  }
}

function prompt({ key, text }: Question, given: Answers): string {
  const present = [given[key]].flat().join(" ");
  return `${text} [${present === "" ? "none" : present}]: `;
}

/** Elements of a list are separated by commas or white space. */
function withAnswer(given: Answers, key: keyof Answers, line: string): Answers {
  if (line === "") return given;
  return { ...given, [key]: typeof given[key] === "string" ? line : line.split(/[\s,]+/) };
}

function complaints({ key }: Question, answers: Answers, configFile: string): Promise<readonly string[]> {
  if ((key === "local" || key === "cluster") && answers[key].length === 0)
    return Promise.resolve(["at least one is required"]);
  return problemsOf(answers, configFile);
}
