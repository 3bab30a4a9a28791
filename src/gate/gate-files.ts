/**
 * The files of the gate for DPI boxes. Each new file is written beside the old one, and renamed. The *status file* is
 * written last, every time: it has the time until which the others are valid.
 */
import { replaceFile } from "../platform/replace-file.ts";
import { exportList } from "./export.ts";
import { GATE_FORMATS, type GateExport, type GateFormatName } from "./formats.ts";
import type { GateTables } from "./gate-tables.ts";

/** The lists that are written. The others are for routers. */
const WRITTEN: readonly GateExport[] = ["gated", "open", "closed"];

/** Writings after which files are not valid any more. */
const VALID_WRITINGS = 3;

/** Where the files are, and how they are written. */
export interface GateFileSettings {
  /** The path of all files, without their endings; null: none are written. */
  readonly path: string | null;
  readonly formats: readonly GateFormatName[];
  /** Seconds between two writings. */
  readonly interval: number;
}

/**
 * Writes all files.
 * @param tables undefined: nothing is gated.
 * @param now milliseconds since 1970.
 * @throws the system's error.
 */
export async function writeGateFiles(
  { path, formats, interval }: GateFileSettings,
  tables: GateTables | undefined,
  version: number,
  now: number,
): Promise<void> {
  if (path === null) return;
  for (const list of WRITTEN)
    for (const format of formats) {
      const { begin, ending, end } = GATE_FORMATS[format];
      const pieces =
        tables === undefined ? [Buffer.from(begin(list) + end)] : exportList(tables, list, format);
      await replaceFile(`${path}.${list}${ending}`, pieces);
    }
  const status = {
    version,
    gated: tables?.gated ?? 0,
    closed: tables?.sizes.closed ?? 0,
    checked: new Date(now).toISOString(),
    validUntil: new Date(now + VALID_WRITINGS * interval * 1000).toISOString(),
  };
  await replaceFile(`${path}.status.json`, [Buffer.from(`${JSON.stringify(status, null, 2)}\n`)]);
}
