/** Problems of a configuration, and their positions. */

/** A position in a file, from 1. Line 0 means the whole file. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The path from the root of a configuration to a value: keys of sections and indexes of lists. */
export type KeyPath = readonly (string | number)[];

/** A mistake; as a warning, a probable mistake. */
export interface Problem extends Position {
  readonly file: string;
  /** The dotted key, such as `peer_groups[0].name`; empty if no key is concerned. */
  readonly key: string;
  /** The mistake, as a clause without a full stop. */
  readonly message: string;
}

/** Limit of reported problems per file. */
export const PROBLEM_LIMIT = 100;

/** Formats a problem in one line: `file:line:column: key: message`, or `file: message` for the whole file. */
export function formatProblem({ file, line, column, key, message }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return [place, key, message].filter((part) => part !== "").join(": ");
}

/** Formats a path: `tracker.interval`, `peer_groups[0].cidr_list[2]`; unusual keys in quotes. */
export function formatKeyPath(path: KeyPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${/^[\w-]{1,60}$/.test(step) ? step : quote(step)}`;
  }
  return text;
}

/** Quotes text for a message, shortened to one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 57)}...`);
}
