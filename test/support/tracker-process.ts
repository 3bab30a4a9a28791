/** The tracker under test: the real program, in its own process. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Bed, type Process, until } from "./bed.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** A long timeout: many may be started at a time, on a busy machine. */
const READY_PATIENCE_MS = 120_000;

/** A line of the tracker's log. */
interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** How to run the process, if not in the usual way. */
export interface RunOptions {
  /** The network namespace. */
  readonly namespace?: string;
  /** The name of its configuration file, if several trackers share a bed. */
  readonly name?: string;
  /** A command that prepares its process, and then executes the program in its further arguments. */
  readonly by?: readonly string[];
  /** Descriptors that its process inherits, from 3 on. */
  readonly descriptors?: readonly number[];
}

/** Runs `btrt` with command line arguments. */
export function runBtrt(
  bed: Bed,
  args: readonly string[],
  { namespace, by = [], descriptors }: RunOptions = {},
): Process {
  return bed.run([...by, process.execPath, MAIN, ...args], namespace, descriptors);
}

/** A tracker that has reported that it is ready. */
export class TrackerProcess {
  readonly process: Process;
  /** Announce URLs, one for each address it listens on. */
  readonly urls: readonly string[];
  /** The same over UDP. */
  readonly udpUrls: readonly string[];
  /** The URL of the admin listener, with a slash at the end. */
  admin = "";
  readonly #configPath: string;

  private constructor(
    running: Process,
    configPath: string,
    urls: readonly string[],
    udpUrls: readonly string[],
  ) {
    this.process = running;
    this.#configPath = configPath;
    this.urls = urls;
    this.udpUrls = udpUrls;
  }

  /**
   * Starts a tracker and waits until it is ready.
   * @param config the text of its configuration file, YAML.
   * @throws Error with its output if it does not become ready.
   */
  static async start(bed: Bed, config: string, options: RunOptions = {}): Promise<TrackerProcess> {
    const configPath = bed.path(`${options.name ?? "btrt"}.conf`);
    await writeFile(configPath, withAdmin(config));
    const running = runBtrt(bed, ["run", "--config", configPath], options);
    let ready: LogLine | undefined;
    await until(
      "the tracker is ready",
      () => {
        ready = parseLog(running.stdout).find((line) => line.msg === "ready");
        return ready !== undefined || running.end !== undefined;
      },
      READY_PATIENCE_MS,
    );
    if (!Array.isArray(ready?.http) || !Array.isArray(ready.udp)) {
      throw new Error(`the tracker did not start (${running.end}):\n${running.stdout}${running.stderr}`);
    }
    const tracker = new TrackerProcess(running, configPath, ready.http.map(String), ready.udp.map(String));
    tracker.admin = String(ready.admin);
    return tracker;
  }

  /** The first announce URL. */
  get url(): string {
    return this.urls[0];
  }

  /** Its log so far. */
  get log(): LogLine[] {
    return parseLog(this.process.stdout);
  }

  /** Writes another configuration, sends SIGHUP, and waits for the log line that reports the result. */
  async reload(config: string): Promise<LogLine> {
    await writeFile(this.#configPath, withAdmin(config));
    const before = this.log.length;
    this.process.signal("SIGHUP");
    return await this.logged("the reload", (line) => /^(not )?reloaded/.test(line.msg), before);
  }

  /** Waits for a log line. @param from index of the first line that counts. */
  async logged(what: string, wanted: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    let found: LogLine | undefined;
    await until(`${what} is logged`, () => {
      found = this.log.slice(from).find(wanted);
      return found !== undefined;
    });
    if (!found) throw new Error(what);
    return found;
  }

  /** @returns its exit code. */
  async stop(): Promise<number | NodeJS.Signals> {
    return await this.process.stop("SIGTERM");
  }
}

/** Trackers that run at the same time need different admin listeners. */
function withAdmin(config: string): string {
  return /^admin:/m.test(config) ? config : `${config}\nadmin: { listen: "127.0.0.1:0" }\n`;
}

function parseLog(text: string): LogLine[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}
