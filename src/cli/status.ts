/** The command `btrt status`. */
import { setTimeout as delay } from "node:timers/promises";
import { styleText } from "node:util";
import type { Status } from "../admin/status.ts";
import { askAdmin, findAdmin, reportingAdminErrors } from "./admin-client.ts";
import { print } from "./output.ts";
import { duration } from "./quantities.ts";
import { STATUS_SECTIONS } from "./status-sections.ts";

const EVERY_MS = 1000;
const CLEAR = "\x1b[H\x1b[2J";

/** The command's options. */
export interface StatusOptions {
  /** Whether to print the tracker's JSON. */
  readonly json: boolean;
  /** Whether to repeat until interrupted. */
  readonly watch: boolean;
}

/**
 * Shows the status of the tracker that runs with a configuration.
 * @param configFile undefined for the defaults.
 * @returns the exit code: 1 if it does not reply.
 */
export async function status(
  configFile: string | undefined,
  { json, watch }: StatusOptions,
): Promise<number> {
  return await reportingAdminErrors(async () => {
    const admin = await findAdmin(configFile);
    for (;;) {
      const answer = (await askAdmin(admin, "status")) as Status;
      const text = json ? `${JSON.stringify(answer)}\n` : formatStatus(answer);
      const exitCode = await print(watch && !json ? CLEAR + text : text);
      if (!watch || exitCode !== 0 || process.stdout.destroyed) return exitCode;
      await delay(EVERY_MS);
    }
  });
}

/** Formats the status for people. */
function formatStatus(status: Status): string {
  const head =
    `BTRT ${status.version}, ${status.ready ? "answering" : "not answering yet"}, ` +
    `${status.engine} engine, ${status.workers} threads, up ${duration(status.uptimeSeconds)}`;
  const blocks = STATUS_SECTIONS.map(({ title, lines }) => ({ title, lines: lines(status) }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }) => `${styleText("bold", title)}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return [`${head}\n`, ...blocks].join("\n");
}
