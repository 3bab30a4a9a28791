/** Real nats-servers for one test, on free ports of the loopback. They end with the test's bed. */
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { type Bed, type Process, until } from "./bed.ts";
import { freePort } from "./free-port.ts";
import type { Tool } from "./tools.ts";

/** The package that these tests need. */
export const NATS_TOOLS: readonly Tool[] = ["nats-server"];

const PROGRAM = "nats-server";
const LOOPBACK = "127.0.0.1";

/** One server. It can be stopped, killed, paused and started again, with the same ports. */
export class NatsServer {
  readonly name: string;
  /** The port for clients. */
  readonly port: number;
  readonly #bed: Bed;
  readonly #namespace: string | undefined;
  readonly #host: string;
  #process: Process | undefined;

  /** @param place where it runs, if not on the machine's loopback. The namespace must exist, and have the address. */
  constructor(bed: Bed, name: string, port: number, place: NatsPlace = { host: LOOPBACK }) {
    this.#bed = bed;
    this.name = name;
    this.port = port;
    this.#host = place.host;
    this.#namespace = place.namespace;
  }

  /** Its address for clients without TLS. */
  get url(): string {
    return `nats://${this.#host}:${this.port}`;
  }

  /** Its address for clients with TLS. */
  get tlsUrl(): string {
    return `tls://${this.#host}:${this.port}`;
  }

  /** The path of its configuration. */
  get configPath(): string {
    return this.#bed.path(`nats-${this.name}.conf`);
  }

  /** What it has logged since its last start. */
  get log(): string {
    return this.#process?.stderr ?? "";
  }

  /** Its process id; 0 unless it was started. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Writes its configuration. */
  async configure(text: string): Promise<void> {
    await writeFile(this.configPath, text);
  }

  /** Starts it, at first or again, and waits until clients can connect. @throws Error with its log */
  async start(): Promise<void> {
    const running = this.#bed.run([PROGRAM, "-c", this.configPath], this.#namespace);
    this.#process = running;
    await until(`nats-server ${this.name} is ready`, () => {
      if (running.end !== undefined) throw new Error(`nats-server ${this.name} has ended:\n${this.log}`);
      return this.log.includes("Server is ready");
    });
  }

  /** Has it end in order: its clients are told. */
  async stop(): Promise<void> {
    await this.#process?.stop("SIGINT");
  }

  /** Kills it. */
  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  /** Stops it without closing its connections, as a machine that hangs. */
  pause(): void {
    this.#process?.signal("SIGSTOP");
  }

  /** Has it go on after {@link pause}. */
  resume(): void {
    this.#process?.signal("SIGCONT");
  }
}

/** Where a server runs. */
export interface NatsPlace {
  /** The address at which it listens. */
  readonly host: string;
  /** The network namespace; undefined for the machine's. */
  readonly namespace?: string;
}

/** What {@link startNats} shall start. */
export interface NatsOptions {
  /** How many servers of one cluster; 1 by default. */
  readonly servers?: number;
  /** The site, which is in the names of the servers: `main1`, `main2`. */
  readonly site?: string;
  /** Where each server runs. By default: on the machine's loopback. */
  readonly places?: readonly NatsPlace[];
  /** Further text of every configuration, such as users. */
  readonly further?: string;
  /** Servers of another site, to which these shall have a leaf link. They must have been started with `acceptsLeaves`. */
  readonly hub?: readonly NatsServer[];
  /** Whether other sites may link to these servers; their port for that is {@link leafPortOf}. */
  readonly acceptsLeaves?: boolean;
}

/** The ports for leaf links of the servers that accept them. */
const LEAF_PORTS = new WeakMap<NatsServer, number>();

/** The port for leaf links of a server. @throws Error if it accepts none */
export function leafPortOf(server: NatsServer): number {
  const port = LEAF_PORTS.get(server);
  if (port === undefined) throw new Error(`${server.name} accepts no leaf links`);
  return port;
}

/** Starts servers without TLS and users, which form one cluster. @returns when their routes are there. */
export async function startNats(bed: Bed, options: NatsOptions = {}): Promise<NatsServer[]> {
  const { servers: count = 1, site = "main", places, further = "", hub = [], acceptsLeaves } = options;
  const hosts = Array.from({ length: count }, (_, i) => places?.[i] ?? { host: LOOPBACK });
  const servers: NatsServer[] = [];
  for (const [i, place] of hosts.entries())
    servers.push(new NatsServer(bed, `${site}${i + 1}`, await freePort(), place));
  const routes: string[] = [];
  for (const { host } of hosts) routes.push(`${host}:${await freePort()}`);
  for (const [i, server] of servers.entries()) {
    const { host } = hosts[i];
    const leafPort = await freePort();
    if (acceptsLeaves) LEAF_PORTS.set(server, leafPort);
    const leaves = [
      ...(acceptsLeaves ? [`  listen: "${host}:${leafPort}"`, "  no_advertise: true"] : []),
      ...(hub.length === 0 ? [] : ["  reconnect: 1", `  remotes: [{ urls: [${leafUrls(hub)}] }]`]),
    ];
    await server.configure(
      [
        `server_name: "${server.name}"`,
        `listen: "${host}:${server.port}"`,
        ...(count === 1
          ? []
          : [
              "cluster {",
              `  name: "${site}"`,
              `  listen: "${routes[i]}"`,
              `  routes: [${routes.map((route) => `"nats://${route}"`)}]`,
              "}",
            ]),
        ...(leaves.length === 0 ? [] : ["leafnodes {", ...leaves, "}"]),
        further,
        "",
      ].join("\n"),
    );
  }
  await Promise.all(servers.map((server) => server.start()));
  for (const server of servers)
    await until(`the routes of ${server.name}`, () => routesOf(server.log) >= count - 1);
  for (const server of hub.length === 0 ? [] : servers)
    await until(`the leaf link of ${server.name}`, () => server.log.includes("Leafnode connection created"));
  return servers;
}

function leafUrls(hub: readonly NatsServer[]): string {
  return hub
    .map((server) => `"nats-leaf://${new URL(server.url).hostname}:${leafPortOf(server)}"`)
    .join(", ");
}

/** The number of other servers to which a server has had a route. */
function routesOf(log: string): number {
  return log.match(/Route connection created/g)?.length ?? 0;
}

/** Whether anything accepts TCP connections at a server's port. */
export async function accepts(server: NatsServer): Promise<boolean> {
  return await new Promise((resolve) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
