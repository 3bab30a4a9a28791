/** Completion scripts for bash, zsh and fish. */
import type { Command } from "commander";
import { type Place, placesOf, type Word } from "./words.ts";

/** The supported shells. */
export type Shell = keyof typeof SCRIPTS;

const SCRIPTS = { bash, zsh, fish };

const HEADER = "# Completions of btrt, made by: btrt completion";

/** The completion script for a shell. */
export function completionScript(shell: Shell, program: Command): string {
  return SCRIPTS[shell](placesOf(program));
}

function bash(places: readonly Place[]): string {
  const offer = (words: readonly string[]) =>
    `mapfile -t COMPREPLY < <(compgen -W ${quote(words.join(" "))} -- "$cur")`;
  const files = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")';
  const values = optionsByValue(places).map(({ options, value }) => {
    const reply = value === "file" ? files : value === "unknown" ? "COMPREPLY=()" : offer(value);
    return `    ${options.map(quote).join(" | ")}) ${reply}; return ;;`;
  });
  const words = places.map(({ path, words, takesFile }) => {
    const orFiles = takesFile ? `; [[ $cur == -* ]] || { ${files}; }` : "";
    return `    ${quote(key(path))}) ${offer(words.map(({ word }) => word))}${orFiles} ;;`;
  });
  return `${HEADER} bash
_btrt() {
  local cur=$2 prev=$3 commands='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$commands $word" in
      ${commandsOf(places).map(quote).join(" | ")}) commands+=" $word" ;;
    esac
  done
  case "$commands $prev" in
${values.join("\n")}
  esac
  case "$commands" in
${words.join("\n")}
  esac
}
complete -F _btrt btrt
`;
}

function zsh(places: readonly Place[]): string {
  const values = optionsByValue(places).map(({ options, value }) => {
    const reply =
      value === "file" ? "_files" : value === "unknown" ? ":" : `compadd -- ${value.map(quote).join(" ")}`;
    return `    ${options.map(quote).join(" | ")}) ${reply}; return ;;`;
  });
  const words = places.map(({ path, words, takesFile }) => {
    const list = words.map(({ word, description }) => quote(`${word}:${description}`)).join(" ");
    const files = takesFile ? "; _files" : "";
    return `    ${quote(key(path))}) offered=(${list}); _describe btrt offered${files} ;;`;
  });
  return `#compdef btrt
${HEADER} zsh
_btrt() {
  local commands='' word
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$commands $word" in
      ${commandsOf(places).map(quote).join(" | ")}) commands+=" $word" ;;
    esac
  done
  case "$commands \${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case "$commands" in
${words.join("\n")}
  esac
}
_btrt "$@"
`;
}

function fish(places: readonly Place[]): string {
  const cases = commandsOf(places).map(quote).join(" ");
  const lines = places.flatMap(({ path, words, takesFile }) => {
    const here = `-n "__btrt_after ${quote(key(path))}"`;
    const offered = words.map((word) => `complete -c btrt ${here} ${offerInFish(word)}`);
    return takesFile ? [...offered, `complete -c btrt ${here} -F`] : offered;
  });
  return `${HEADER} fish
function __btrt_after
    set -l commands ''
    set -l typed (commandline -opc)
    for word in $typed[2..]
        if contains -- "$commands $word" ${cases}
            set commands "$commands $word"
        end
    end
    test "$commands" = "$argv[1]"
end
complete -c btrt -f
${lines.join("\n")}
`;
}

function offerInFish({ word, description, value }: Word): string {
  const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${quote(word)}`;
  const follows =
    value === "none"
      ? ""
      : value === "file"
        ? " -r -F"
        : value === "unknown"
          ? " -x"
          : ` -x -a ${quote(value.join(" "))}`;
  return `${what}${follows}${description === "" ? "" : ` -d ${quote(description)}`}`;
}

/** The options that take a value, each as `COMMANDS OPTION`, grouped by kind of value. */
function optionsByValue(
  places: readonly Place[],
): { options: string[]; value: Exclude<Word["value"], "none"> }[] {
  const found = new Map<string, ReturnType<typeof optionsByValue>[number]>();
  for (const { path, words } of places) {
    for (const { word, value } of words) {
      if (value === "none") continue;
      const same = found.get(String(value)) ?? { options: [], value };
      same.options.push(`${key(path)} ${word}`);
      found.set(String(value), same);
    }
  }
  return [...found.values()];
}

/** All places except the start, in the form of {@link key}. */
function commandsOf(places: readonly Place[]): string[] {
  return places.map(({ path }) => key(path)).filter((text) => text !== "");
}

/** Commands, each with a space before it. */
function key(path: readonly string[]): string {
  return path.map((name) => ` ${name}`).join("");
}

/** Quotes for a shell. No word here contains quotes that fish would treat differently. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
