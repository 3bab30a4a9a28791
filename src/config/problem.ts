/** What is wrong with a configuration, and where. */

/** A place in a file, counted from 1. Line 0 stands for the file as a whole. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Steps from the root of a configuration to a value: keys of sections, indexes of lists. */
export type KeyPath = readonly (string | number)[];

/** One mistake, or (as a warning) one thing that is probably not meant. */
export interface Problem extends Position {
  readonly file: string;
  /** The dotted key, such as `peer_groups[0].name`; empty where no key is concerned. */
  readonly key: string;
  /** What is wrong, as a clause without a full stop. */
  readonly message: string;
}

/** Most problems told of one file. */
export const PROBLEM_LIMIT = 100;

/** One line: `file:line:column: key: message`, or `file: message` for a file as a whole. */
export function formatProblem({ file, line, column, key, message }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return [place, key, message].filter((part) => part !== "").join(": ");
}

/** Formats a path as people write it: `tracker.interval`, `peer_groups[0].cidr_list[2]`; odd keys in quotes. */
export function formatKeyPath(path: KeyPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${/^[\w-]{1,60}$/.test(step) ? step : quote(step)}`;
  }
  return text;
}

/** Quotes text for a message, in one line that is not long. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 57)}...`);
}
