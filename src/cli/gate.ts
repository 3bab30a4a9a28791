/** The command `btrt gate`. */
import { FileError, readFromDisk, readText } from "../config/read-file.ts";
import { GateProtocolError } from "../gate/event-reader.ts";
import { Follower, type FollowerObserver } from "../gate/router/follower.ts";
import { GateTable } from "../gate/router/gate-table.ts";
import { formatGateRules } from "../gate/router/ruleset.ts";
import { type GateSource, TrackerConnection, TrackerError } from "../gate/router/tracker-connection.ts";
import { NftError } from "../platform/nft.ts";
import { AdminClientError, findAdmin } from "./admin-client.ts";
import { print, printError, printNotice } from "./output.ts";

/** The command's options. */
export interface GateOptions {
  /** The URL of a tracker's admin listener, or true for that of the configuration. */
  readonly follow?: string | true;
  readonly config: string;
  readonly tokenFile?: string;
  readonly certFile?: string;
  readonly bridge?: true;
  readonly countOnly?: true;
  readonly print?: true;
  readonly remove?: true;
}

/** Bytes of a file with a token or a certificate. */
const FILE_BYTES = 1024 * 1024;

/** The time in which a tracker must have sent its first event. */
const FIRST_EVENT_MS = 15_000;

/** Different failures that are shown until the router has its lists again. */
const FAILURES_SHOWN = 20;

/**
 * Follows a tracker, prints the rules or removes them.
 * @returns the exit code: 1 on failure. Following ends only with SIGTERM or SIGINT.
 */
export async function gate(options: GateOptions): Promise<number> {
  const { bridge = false, countOnly = false, follow } = options;
  const table = new GateTable({ bridge, countOnly });
  try {
    if (options.remove) {
      await table.remove();
      return 0;
    }
    if (options.print) return await printRules(await findSource(options), { bridge, countOnly });
    if (follow === undefined) {
      printError("btrt: gate: --follow, --print or --remove is needed");
      return 1;
    }
    // A mistake in the options is found now, and not when a connection is made again.
    await findSource(options);
    const stop = new AbortController();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
    await new Follower({ source: () => findSource(options), table, observer: new Report() }).run(stop.signal);
    return 0;
  } catch (error) {
    if (![NftError, AdminClientError, TrackerError, GateProtocolError].some((type) => error instanceof type))
      throw error;
    printError(`btrt: ${(error as Error).message}`);
    return 1;
  }
}

/** Prints the rules for the homes of a tracker. */
async function printRules(
  source: GateSource,
  options: { bridge: boolean; countOnly: boolean },
): Promise<number> {
  const connection = new TrackerConnection(source);
  try {
    for await (const event of connection.events(AbortSignal.timeout(FIRST_EVENT_MS))) {
      if (event.event === "begin")
        return await print(
          formatGateRules({ ...options, homes: event.homes }, { chains: [], sets: [], counters: [] }),
        );
    }
    throw new TrackerError(`${source.url}: sends no events`);
  } finally {
    await connection.close();
  }
}

/** Reads URL, token and certificate. @throws AdminClientError */
async function findSource({ follow, config, tokenFile, certFile }: GateOptions): Promise<GateSource> {
  const isLocal = follow === undefined || follow === true;
  const { url, token, cert } = isLocal
    ? await findAdmin(config)
    : { url: apiOf(follow), token: null, cert: null };
  return {
    url,
    token: tokenFile === undefined ? token : (await readFile(tokenFile)).split(/\r?\n/, 1)[0],
    cert: certFile === undefined ? cert : await readFile(certFile),
  };
}

/** The interface below a listener's URL. @throws AdminClientError */
function apiOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "")
    throw new AdminClientError(
      `--follow: "${text}" is not the URL of an admin listener, such as https://192.0.2.1:6970`,
    );
  return new URL("/api/v1/", url).href;
}

/** @throws AdminClientError */
async function readFile(path: string): Promise<string> {
  try {
    return await readText(path, FILE_BYTES, readFromDisk);
  } catch (error) {
    if (error instanceof FileError) throw new AdminClientError(`${path}: ${error.message}`);
    throw error;
  }
}

/** Writes to standard error what happens, each failure once until all is well again. */
class Report implements FollowerObserver {
  readonly #said = new Set<string>();
  #isWell = false;
  #notReported = "";

  applied(elements: number): void {
    if (!this.#isWell) printNotice(`btrt: the router has the tracker's lists: ${elements} elements`);
    this.#isWell = true;
    this.#said.clear();
  }

  notReported(message: string): void {
    if (message !== this.#notReported) printError(`btrt: ${message}`);
    this.#notReported = message;
  }

  failed(message: string): void {
    this.#isWell = false;
    if (this.#said.has(message) || this.#said.size >= FAILURES_SHOWN) return;
    this.#said.add(message);
    printError(`btrt: ${message}`);
  }
}
