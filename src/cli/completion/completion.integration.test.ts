/** Every shell offers the same, as the shell itself says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Tool, toolsMissing } from "../../../test/support/tools.ts";
import type { Shell } from "./scripts.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "btrt-completion-"));
after(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, "a file"), "");

/** Asks a shell what it would offer for a command line, whose last word is being typed. */
type Ask = (script: string, words: readonly string[]) => string[];

/** As bash calls it, and with what it lets only itself call. */
const BASH = `compopt() { :; }
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_btrt btrt "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`;

/** The functions of its completion system print what they are given. They are the ones to look at the word typed. */
const ZSH = `_describe() { print -rl -- "\${(@)\${(@P)2}%%:*}" }
compadd() { shift; print -rl -- "$@" }
_files() { print -rl -- *(N) }
script=$1; shift
words=("$@"); CURRENT=$#
set --
source $script`;

const FISH = "source $argv[1]; complete --do-complete (string join -- ' ' $argv[2..])";

const ASK: Readonly<Record<Shell, Ask>> = {
  bash: (script, words) => run("bash", ["--norc", "-c", BASH, "bash", script, ...words]),
  zsh: (script, words) =>
    run("zsh", ["-f", "-c", ZSH, "zsh", script, ...words]).filter((offer) =>
      offer.startsWith(words.at(-1) ?? ""),
    ),
  fish: (script, words) =>
    run("fish", ["--no-config", "-c", FISH, script, ...words]).map((offer) => offer.split("\t")[0]),
};

function run(program: string, args: readonly string[]): string[] {
  const text = execFileSync(program, args, {
    encoding: "utf8",
    cwd: directory,
    env: { ...process.env, HOME: directory },
  });
  return text.split("\n").filter((line) => line !== "");
}

/** Input, and the completions offered: all of them, or some that must be included. */
const CASES: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["btrt ch", ["check"]],
  ["btrt do", ["doctor"]],
  ["btrt db ", ["create", "export", "import", "status", "upgrade"]],
  ["btrt db e", ["export"]],
  ["btrt run --", ["--config", "--defaults", "--help"]],
  ["btrt run --config a", ["a file"]],
  ["btrt db export a", ["a file"]],
  ["btrt db export --c", ["--config"]],
  ["btrt completion ", ["bash", "fish", "zsh"]],
  ["btrt help do", ["doctor"]],
  ["btrt explain --address ", []],
  ["btrt run --config x --d", ["--defaults"]],
];

for (const shell of ["bash", "zsh", "fish"] as const satisfies readonly (Shell & (Tool | "bash"))[]) {
  const tools = shell === "bash" ? [] : [shell];
  test(`${shell} completes`, { skip: toolsMissing(tools), timeout: 300_000 }, () => {
    const script = join(directory, shell);
    writeFileSync(script, execFileSync(process.execPath, [MAIN, "completion", shell]));
    for (const [line, offered] of CASES) {
      const said = ASK[shell](script, line.split(" ")).map((word) => word.replaceAll("\\", ""));
      // Where no option is begun, some shells offer them and some do not.
      const shown = new Set(said.filter((word) => !line.endsWith(" ") || !word.startsWith("-")));
      assert.deepEqual([...shown].sort(), offered, line);
    }
  });
}
