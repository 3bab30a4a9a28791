/** What all scenarios are given. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { EngineKind } from "../src/engine/choice.ts";
import type { Load } from "./load/load.ts";
import type { Place } from "./servers/server.ts";

/** Where and how much is measured. */
export interface Setting {
  /** Of everything that the servers write. */
  readonly directory: string;
  readonly serverCore: number;
  /** All that processes here may use. */
  readonly cores: readonly number[];
  /** Those of BTRT's engines that are measured, the fastest first. */
  readonly engines: readonly EngineKind[];
  readonly load: Load;
  /** How often each thing is measured, and for how long. */
  readonly rounds: number;
  readonly seconds: number;
  /** Whether populations are small: it shows that all works, and its figures say little. */
  readonly quick: boolean;
}

/** @returns a place for one more server. @param cores the cores it may use, if not one. */
export function makePlace(
  { directory, serverCore }: Setting,
  cores: readonly number[] = [serverCore],
): Place {
  return { cores, directory: mkdtempSync(join(directory, "server-")) };
}
