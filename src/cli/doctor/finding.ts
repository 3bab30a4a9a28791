/** What `btrt doctor` looks at, and what it finds. */
import type { Status } from "../../admin/status.ts";
import type { LoadedConfig, LoadReport } from "../../config/load.ts";

/** `unknown`: it could not be found out; the text says why. */
export type Verdict = "ok" | "warning" | "problem" | "unknown";

/** One thing that was looked at. */
export interface Finding {
  readonly verdict: Verdict;
  /** How it is, as a clause. */
  readonly text: string;
  /** What to do about it: with every warning and problem. */
  readonly remedy?: string;
}

/** Everything that checks are about. */
export interface Subject {
  readonly configFile: string;
  readonly loaded: LoadedConfig & LoadReport;
  /** What the tracker that runs with this configuration says of itself; undefined when none answers. */
  readonly running: Status | undefined;
  /** Names by which subscribers reach the tracker. */
  readonly names: readonly string[];
  /** The resolver to ask for them, `ADDRESS` or `ADDRESS:PORT`; undefined: this machine's. */
  readonly resolver: string | undefined;
}

/** Looks at one thing, and changes nothing. What it throws is a finding, too: it could not be found out. */
export type Check = (subject: Subject) => Promise<readonly Finding[]>;

/** It is as it should be. */
export function ok(text: string): Finding {
  return { verdict: "ok", text };
}

/** It works, but not for long or not well. */
export function warning(text: string, remedy: string): Finding {
  return { verdict: "warning", text, remedy };
}

/** It does not work. */
export function problem(text: string, remedy: string): Finding {
  return { verdict: "problem", text, remedy };
}

/** It could not be found out. */
export function unknown(text: string): Finding {
  return { verdict: "unknown", text };
}
