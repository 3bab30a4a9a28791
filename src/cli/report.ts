/** The command `btrt report`. */
import type { REPORT_FORMATS } from "../admin/report/formats.ts";
import { describeFailure } from "../platform/failure.ts";
import { fetchFromAdmin, findAdmin } from "./admin-client.ts";
import { print, printError } from "./output.ts";

/** Timeout in milliseconds: the tracker reads a month of rows in slices. */
const TIMEOUT_MS = 120_000;

/** The command's options. */
export interface ReportOptions {
  /** Such as `2026-11`; the current month by default. */
  readonly month?: string;
  readonly format: (typeof REPORT_FORMATS)[number];
}

/**
 * Writes the report of a month to standard output.
 * @param configFile undefined for the defaults.
 * @returns the exit code: 1 if the tracker does not reply, or has no such report.
 */
export async function report(
  configFile: string | undefined,
  { month, format }: ReportOptions,
): Promise<number> {
  const query = new URLSearchParams({ format, ...(month !== undefined && { month }) });
  try {
    return await print(await fetchFromAdmin(await findAdmin(configFile), `report?${query}`, TIMEOUT_MS));
  } catch (error) {
    printError(`btrt: ${describeFailure(error).message}`);
    return 1;
  }
}
