/** The trackers that are compared, and what else a run's clients ask. */
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, type Program, until } from "./process.ts";
import type { Site } from "./site.ts";
import { TRACKER_HOST } from "./topology.ts";

const CLOCK_AHEAD = new URL("./clock-ahead.ts", import.meta.url).href;
const DHT_NODE = ["/usr/bin/python3", fileURLToPath(new URL("./dht-node.py", import.meta.url))];
/** The project that the lab is part of. */
export const OWN_TREE = fileURLToPath(new URL("..", import.meta.url));
const START_LIMIT_MS = 20_000;

/**
 * All trackers. The others are compared with the first; `bridged-gate` and `bridged-cluster` are also compared with
 * `bridged`.
 */
export const TRACKERS = ["opentracker", "nearest", "bridged", "bridged-gate", "bridged-cluster"] as const;
/**
 * `nearest` and `bridged` are BTRT with that policy. With `bridged-gate`, the router enforces the gate. `bridged-cluster`
 * is two nodes of a cluster; every second client of a network announces to the second node.
 */
export type TrackerName = (typeof TRACKERS)[number];

/** Ports: of the tracker under test, its admin listener, a public tracker, and the first node of a hash table. */
export const PORTS = { tested: 6969, admin: 6971, public: 6970, dht: 6972 } as const;

/** Ports of the second node of a cluster. */
const SECOND_NODE = { tested: 6973, admin: 6974 } as const;

/** The ports of the trackers under test: two, if they are a cluster. */
export function testedPorts(tracker: TrackerName): readonly number[] {
  return tracker === "bridged-cluster" ? [PORTS.tested, SECOND_NODE.tested] : [PORTS.tested];
}

/** The URL that clients announce to. */
export function announceUrl(host: string, port: number): string {
  return `http://${host}:${port}/announce`;
}

/** A section of BTRT's configuration, or a part of one. */
export interface Settings {
  readonly [key: string]: string | number | boolean | readonly (string | Settings)[] | Settings;
}

/** One BTRT among several. */
interface BtrtNode {
  readonly tested: number;
  readonly admin: number;
  /** Gets each line of its log. */
  readonly onLine?: (line: string) => void;
}

/** The nats-servers of a cluster: the port for trackers, the one for the other server, and that of the other server. */
const NATS_PORTS = [
  { client: 4222, routes: 6222, other: 6223 },
  { client: 4223, routes: 6223, other: 6222 },
] as const;

/** Where a tracker listens. */
export interface TrackerPlace {
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
}

/** Debian's opentracker, which serves listed torrents only. */
export async function startOpentracker(
  site: Site,
  { namespace, host, port }: TrackerPlace,
  infoHashes: readonly string[],
): Promise<Program> {
  const directory = site.path(`opentracker-${port}`);
  await mkdir(directory);
  await writeFile(join(directory, "list"), infoHashes.map((each) => `${each}\n`).join(""));
  const at = ["-i", host, "-p", String(port), "-P", String(port)];
  const argv = ["opentracker", ...at, "-u", "nobody", "-d", directory, "-w", "list"];
  return await listening("opentracker", site.start(namespace, argv), port);
}

/**
 * BTRT, in the core.
 * @param tree the project's directory: this one, or another version of it.
 * @param settings its configuration, without its addresses.
 */
export async function startBtrt(
  site: Site,
  core: string,
  tree: string,
  settings: Settings,
  node: BtrtNode = { tested: PORTS.tested, admin: PORTS.admin },
): Promise<Program> {
  const { tested, admin, onLine } = node;
  const file = site.path(`btrt-${tested}.conf`);
  const listen = { http: [`${TRACKER_HOST}:${tested}`], udp: [] };
  const config = { ...settings, listen, admin: { listen: `127.0.0.1:${admin}` } };
  await writeFile(file, JSON.stringify(config));
  const argv = [...btrt(tree, CLOCK_AHEAD), "run", "--config", file];
  return await listening("BTRT", site.start(core, argv, onLine), tested);
}

/** Two nodes of a cluster and their nats-servers, in the core. They have the same torrents when this returns. */
export async function startCluster(
  site: Site,
  core: string,
  tree: string,
  settings: Settings,
): Promise<Program[]> {
  const secret_file = site.path("cluster-secret");
  await writeFile(secret_file, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  const route = (port: number) => `nats://127.0.0.1:${port}`;
  const programs: Program[] = [];
  const ready = new Set<string>();
  for (const [i, { client, routes, other }] of NATS_PORTS.entries()) {
    const cluster = ["--cluster_name", "lab", "--cluster", route(routes), "--routes", route(other)];
    const nats = site.start(core, ["nats-server", "-a", "127.0.0.1", "-p", String(client), ...cluster]);
    programs.push(await listening("nats-server", nats, client));
    const node = `node${i + 1}`;
    const onLine = (line: string) => {
      if (line.includes("caught up with the cluster")) ready.add(node);
    };
    const config = {
      ...settings,
      cluster: { name: "lab", node, servers: [route(client)], secret_file },
      database: { url: `sqlite:${site.path(`${node}.db`)}` },
    };
    const ports = i === 0 ? { tested: PORTS.tested, admin: PORTS.admin } : SECOND_NODE;
    programs.push(await startBtrt(site, core, tree, config, { ...ports, onLine }));
  }
  const isReady = () => ready.size === NATS_PORTS.length || programs.some(({ over }) => over);
  await until("the nodes have caught up", isReady, START_LIMIT_MS);
  return programs;
}

/** The gate of the tracker in the core, on the router that the core is. It is in force when this returns. */
export async function startGate(site: Site, core: string, tree: string): Promise<Program> {
  const follow = ["gate", "--follow", `http://127.0.0.1:${PORTS.admin}`];
  const program = site.start(core, [...btrt(tree), ...follow]);
  const inForce = async () => {
    if (program.over) throw new Error(`btrt gate ended:\n${program.lastLines}`);
    const listed = await command(["ip", "netns", "exec", core, "nft", "list", "tables"]);
    return listed.includes("table inet btrt");
  };
  await until("the gate is in force", inForce, START_LIMIT_MS);
  return program;
}

/** The first node of a distributed hash table, in the core. */
export async function startDhtNode(site: Site, core: string): Promise<Program> {
  let ready = false;
  const hear = (line: string) => {
    ready ||= line === "ready";
  };
  const program = site.start(core, [...DHT_NODE, `${TRACKER_HOST}:${PORTS.dht}`], hear);
  await until("the hash table's first node listens", () => ready || program.over, START_LIMIT_MS);
  return program;
}

function btrt(tree: string, preload?: string): string[] {
  const main = join(tree, "src/main.ts");
  return preload === undefined ? [process.execPath, main] : [process.execPath, "--import", preload, main];
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
