/** The parameters of all scenarios. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { EngineKind } from "../src/engine/choice.ts";
import type { Load } from "./load/load.ts";
import type { Place } from "./servers/server.ts";

/** Where, and how much, to measure. */
export interface Setting {
  /** The directory for everything that servers write. */
  readonly directory: string;
  readonly serverCore: number;
  /** All cores that processes may use. */
  readonly cores: readonly number[];
  /** The engines of BTRT to measure, the fastest first. */
  readonly engines: readonly EngineKind[];
  readonly load: Load;
  /** The number of rounds, and their duration. */
  readonly rounds: number;
  readonly seconds: number;
  /** Whether populations are small: to see that everything works. The figures are unreliable then. */
  readonly quick: boolean;
}

/** @returns the environment of one more server. @param cores its cores, one by default. */
export function makePlace(
  { directory, serverCore }: Setting,
  cores: readonly number[] = [serverCore],
): Place {
  return { cores, directory: mkdtempSync(join(directory, "server-")) };
}
