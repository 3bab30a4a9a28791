/** Checks of `btrt doctor`, and their findings. */
import type { Status } from "../../admin/status.ts";
import type { LoadedConfig, LoadReport } from "../../config/load.ts";
import type { Sandbox } from "../service-sandbox.ts";

/** `unknown`: the check was not possible; the text says why. */
export type Verdict = "ok" | "warning" | "problem" | "unknown";

/** A finding of a check. */
export interface Finding {
  readonly verdict: Verdict;
  /** The state, as a clause. */
  readonly text: string;
  /** What to do; present with every warning and problem. */
  readonly remedy?: string;
}

/** The input of the checks. */
export interface Subject {
  readonly configFile: string;
  readonly loaded: LoadedConfig & LoadReport;
  /** What the unit of the service hides from the tracker. */
  readonly sandbox: Sandbox;
  /** The status of the tracker that runs with this configuration; undefined if none replies. */
  readonly running: Status | undefined;
  /** Names under which subscribers reach the tracker. */
  readonly names: readonly string[];
  /** The resolver to query for them, `ADDRESS` or `ADDRESS:PORT`; undefined for this machine's. */
  readonly resolver: string | undefined;
}

/** Checks one subject without changing anything. An exception becomes a finding: the check was not possible. */
export type Check = (subject: Subject) => Promise<readonly Finding[]>;

/** Everything is in order. */
export function ok(text: string): Finding {
  return { verdict: "ok", text };
}

/** It works, but not reliably or not well. */
export function warning(text: string, remedy: string): Finding {
  return { verdict: "warning", text, remedy };
}

/** It does not work. */
export function problem(text: string, remedy: string): Finding {
  return { verdict: "problem", text, remedy };
}

/** The check was not possible. */
export function unknown(text: string): Finding {
  return { verdict: "unknown", text };
}
