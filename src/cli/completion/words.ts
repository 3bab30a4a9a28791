/** The words that can follow each command. The completions of every shell are made from them. */
import type { Command } from "commander";

/** A place on the command line. */
export interface Place {
  /** The commands typed so far, such as `["db", "export"]`. */
  readonly path: readonly string[];
  /** The words that may follow. */
  readonly words: readonly Word[];
  /** Whether a file may follow. */
  readonly takesFile: boolean;
}

/** A word that may be typed. */
export interface Word {
  readonly word: string;
  readonly description: string;
  /** What must follow it: nothing, a file, one of several words, or an unknown value. */
  readonly value: "none" | "file" | "unknown" | readonly string[];
}

/** All places, starting with the program itself. */
export function placesOf(program: Command): Place[] {
  const help = { word: "help", description: "show this help, or the help of a command" };
  const top = placesBelow(program, []);
  const [start, ...others] = top;
  const names = start.words.filter(({ word }) => !word.startsWith("-"));
  return [
    { ...start, words: [...start.words, { ...help, value: "none" }] },
    ...others,
    { path: ["help"], words: names, takesFile: false },
  ];
}

function placesBelow(command: Command, path: readonly string[]): Place[] {
  const words: Word[] = [
    ...command.commands.map((each) => ({
      word: each.name(),
      description: each.summary() || each.description(),
      value: "none" as const,
    })),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
      argChoices.map((word) => ({ word, description: "", value: "none" as const })),
    ),
    ...command.options.map((option) => ({
      word: option.long ?? option.flags,
      description: option.description,
      value: whatFollows(option),
    })),
    { word: "--help", description: "show the help of this command", value: "none" },
  ];
  const takesFile = command.registeredArguments.some((argument) => argument.name() === "FILE");
  return [
    { path, words, takesFile },
    ...command.commands.flatMap((each) => placesBelow(each, [...path, each.name()])),
  ];
}

function whatFollows({ flags, argChoices, required, optional }: Command["options"][number]): Word["value"] {
  if (!required && !optional) return "none";
  return argChoices ?? (flags.includes("FILE") ? "file" : "unknown");
}
