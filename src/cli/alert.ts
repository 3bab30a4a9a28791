/** The command `btrt alert`. */
import { hostname } from "node:os";
import type { Status } from "../admin/status.ts";
import { makeChannels } from "../alerts/channels.ts";
import { composeTest } from "../alerts/message.ts";
import { alertSettings } from "../config/alert-settings.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { describeFailure } from "../platform/failure.ts";
import { VERSION } from "../platform/version.ts";
import { askAdmin, findAdmin, reportingAdminErrors } from "./admin-client.ts";
import { print, printError } from "./output.ts";
import { number } from "./quantities.ts";

const NONE = "There are no channels: set alerts.webhook or alerts.mail.to.";

/**
 * Shows the channels of the running tracker, or sends a test message over each channel of the configuration. The
 * latter needs no tracker.
 * @returns the exit code: 1 if a message could not be sent, or the tracker does not reply.
 */
export async function alert(configFile: string, isTest: boolean): Promise<number> {
  return isTest ? await sendTest(configFile) : await showChannels(configFile);
}

async function sendTest(configFile: string): Promise<number> {
  const loaded = await loadConfig({ configFile });
  if (loaded.config === null) {
    printError(loaded.problems.map((problem) => `btrt: ${formatProblem(problem)}`).join("\n"));
    return 1;
  }
  const channels = makeChannels(alertSettings(loaded, hostname()));
  if (channels.length === 0) {
    printError(`btrt: ${NONE}`);
    return 1;
  }
  const message = composeTest({ hostName: hostname(), version: VERSION }, new Date().toISOString());
  const results = await Promise.allSettled(channels.map((channel) => channel.send(message)));
  let exitCode = 0;
  for (const [i, result] of results.entries()) {
    const { name, target } = channels[i];
    if (result.status === "fulfilled") await print(`${name}: a test was sent to ${target}\n`);
    else {
      printError(
        `btrt: ${name}: a test could not be sent to ${target}: ${describeFailure(result.reason).message}`,
      );
      exitCode = 1;
    }
  }
  return exitCode;
}

async function showChannels(configFile: string): Promise<number> {
  return await reportingAdminErrors(async () => {
    const { alerts, warnings } = (await askAdmin(await findAdmin(configFile), "status")) as Status;
    const channels = alerts.map(
      ({ name, target, sent, failed, failure }) =>
        `${name} to ${target}: ${number(sent)} sent, ${number(failed)} attempts failed` +
        `${failure === null ? "" : `; now: ${failure}`}\n`,
    );
    const current = warnings.map((warning) => `- ${warning}\n`);
    const head = channels.length === 0 ? [`${NONE}\n`] : channels;
    const body = current.length === 0 ? ["There are no warnings now.\n"] : ["Warnings now:\n", ...current];
    return await print([...head, ...body].join(""));
  });
}
