/** What all scenarios are given. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Load } from "./load/load.ts";
import type { Place } from "./servers/server.ts";

/** Where and how much is measured. */
export interface Setting {
  /** Of everything that the servers write. */
  readonly directory: string;
  readonly serverCore: number;
  readonly load: Load;
  /** How often each thing is measured, and for how long. */
  readonly rounds: number;
  readonly seconds: number;
  /** Whether populations are small: it shows that all works, and its figures say little. */
  readonly quick: boolean;
}

/** @returns a place for one more server. */
export function makePlace({ directory, serverCore }: Setting): Place {
  return { core: serverCore, directory: mkdtempSync(join(directory, "server-")) };
}
