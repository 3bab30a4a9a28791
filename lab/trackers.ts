/** The trackers that are compared. */
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, until } from "./process.ts";
import type { Site } from "./site.ts";
import { TRACKER_HOST } from "./topology.ts";

const CLOCK_AHEAD = new URL("./clock-ahead.ts", import.meta.url).href;
/** The project that the lab is part of. */
export const OWN_TREE = fileURLToPath(new URL("..", import.meta.url));
const START_LIMIT_MS = 20_000;

/** All trackers. The others are compared with the first. */
export const TRACKERS = ["opentracker", "nearest", "bridged"] as const;
/** `nearest` and `bridged` are BTRT with that policy. */
export type TrackerName = (typeof TRACKERS)[number];

/** Ports in the core: of the tracker under test, and of a public one that clients may ask as well. */
export const PORTS = { tested: 6969, public: 6970 } as const;

/** The URL that clients announce to. */
export function announceUrl(port: number): string {
  return `http://${TRACKER_HOST}:${port}/announce`;
}

/** A section of BTRT's configuration, or a part of one. */
export interface Settings {
  readonly [key: string]: string | number | boolean | readonly (string | Settings)[] | Settings;
}

/** Debian's opentracker, which serves listed torrents only. */
export async function startOpentracker(
  site: Site,
  core: string,
  port: number,
  infoHash: string,
): Promise<Program> {
  const directory = site.path(`opentracker-${port}`);
  await mkdir(directory);
  await writeFile(join(directory, "list"), `${infoHash}\n`);
  const at = ["-i", TRACKER_HOST, "-p", String(port), "-P", String(port)];
  const argv = ["opentracker", ...at, "-u", "nobody", "-d", directory, "-w", "list"];
  return await listening("opentracker", site.start(core, argv), port);
}

/**
 * BTRT.
 * @param tree the project's directory: this one, or another version of it.
 * @param settings its configuration, without its addresses.
 */
export async function startBtrt(
  site: Site,
  core: string,
  port: number,
  tree: string,
  settings: Settings,
): Promise<Program> {
  const file = site.path("btrt.conf");
  const listen = { http: [`${TRACKER_HOST}:${port}`], udp: [] };
  await writeFile(file, JSON.stringify({ ...settings, listen }));
  const argv = [
    process.execPath,
    "--import",
    CLOCK_AHEAD,
    join(tree, "src/main.ts"),
    "run",
    "--config",
    file,
  ];
  return await listening("BTRT", site.start(core, argv), port);
}

async function listening(name: string, program: Program, port: number): Promise<Program> {
  await until(`${name} listens`, () => program.over || isListening(program.pid, port), START_LIMIT_MS);
  if (program.over) throw new Error(`${name} did not start:\n${program.lastLines}`);
  return program;
}

/** Whether something listens on a TCP port of the network namespace that a process is in. */
function isListening(pid: number | undefined, port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  try {
    return readFileSync(`/proc/${pid}/net/tcp`, "latin1").includes(local);
  } catch {
    return false;
  }
}
