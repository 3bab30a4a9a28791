/**
 * Starts the control plane: reads the configuration, opens the log, takes over sockets, and runs the app until it ends.
 * What prevents a start is explained on standard error.
 */
import { type ConfigSource, type LoadedConfig, type LoadReport, loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { WatchedFiles } from "../config/watched-files.ts";
import { formatHostPort } from "../model/address-text.ts";
import { describeFailure } from "../platform/failure.ts";
import { forStandardError } from "../platform/journal.ts";
import { placeInheritedSockets, takeInheritedSockets } from "../systemd/inherited-sockets.ts";
import { openNotifier } from "../systemd/notifier.ts";
import { type Logger, openLogger } from "../telemetry/logger.ts";
import { App } from "./app.ts";
import { chooseEngineFor } from "./engine-limits.ts";
import { explainStartFailure } from "./start-failure.ts";

/**
 * Runs the tracker until SIGTERM or SIGINT; SIGHUP reloads.
 * @returns the exit code: 0 after a clean stop, 1 when it could not start or the workers were given up.
 */
export async function run(source: ConfigSource): Promise<number> {
  const watched = new WatchedFiles();
  const loaded = await loadConfig(source, watched.read);
  if (loaded.config === null) return refuse(loaded.problems.map(formatProblem).join("\n"));
  let log: Logger;
  try {
    log = openLogger(loggerOptions(loaded.config));
  } catch (error) {
    return refuse(`logging.path: ${describeFailure(error).message}`);
  }
  try {
    return await (await makeApp(source, loaded, watched, log)).run();
  } catch (error) {
    const reason = explainStartFailure(error);
    if (reason === undefined) throw error;
    return refuse(reason);
  } finally {
    await log.close();
  }
}

/** @throws what {@link explainStartFailure} explains. */
async function makeApp(
  source: ConfigSource,
  loaded: LoadedConfig & LoadReport,
  watched: WatchedFiles,
  log: Logger,
): Promise<App> {
  const { http, udp } = loaded.config.listen;
  const inherited = await takeInheritedSockets(process.env, process.pid);
  const { unused, ...listen } = placeInheritedSockets({ streams: http, datagrams: udp }, inherited);
  for (const { name, address } of unused)
    log.warning(
      { socket: name, udp: formatHostPort(address) },
      "listen.udp is empty: this socket is not served",
    );
  const notifier = await openNotifier(process.env, process.pid);
  return new App({
    source,
    loaded,
    watched,
    log,
    engine: await chooseEngineFor(loaded.config),
    listen,
    notifier,
  });
}

function loggerOptions({ logging }: Config): Parameters<typeof openLogger>[0] {
  return {
    path: logging.path ?? undefined,
    level: logging.level,
    switchTime: logging.switch_time,
    keepDays: logging.keep_days,
    maskAddresses: logging.mask_addresses,
  };
}

function refuse(message: string): number {
  process.stderr.write(`${forStandardError(`btrt: ${message}`)}\n`);
  return 1;
}
