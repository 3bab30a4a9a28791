/** Starts the clients of a run, and receives their reports. */
import { existsSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Program } from "./process.ts";
import { type ClientSettings, type Crew, UPLOAD } from "./scenario.ts";
import type { Site } from "./site.ts";
import { TRACKER_HOST } from "./topology.ts";
import { PORTS } from "./trackers.ts";

const LIBTORRENT = ["/usr/bin/python3", fileURLToPath(new URL("./client.py", import.meta.url))];
const PORT = 6881;

/** One client of a run. */
export interface Client {
  readonly name: string;
  /** The name of its network, and the namespace that the network is. */
  readonly network: string;
  readonly namespace: string;
  readonly address: string;
  readonly crew: Crew;
  /** Seconds since the start of the scenario. */
  readonly at: number;
  /** Answers from trackers so far, for all torrents; always 0 for other clients than libtorrent. */
  announces: number;
  /** Its torrents; the first is the one that the run is about. */
  readonly torrents: readonly ClientTorrent[];
  /** Seconds from its own start until it had each torrent's file. */
  readonly seconds: (number | undefined)[];
  /** It has left, or was killed. */
  gone: boolean;
}

/** A torrent of a client. */
export interface ClientTorrent {
  /** The metainfo file. */
  readonly metainfo: string;
  /** The directory of the file. */
  readonly directory: string;
  /** The number of trackers that it announces to. */
  readonly trackers: number;
}

/** A report of client.py. */
type Message =
  | { readonly event: "announced" | "gone"; readonly client: string }
  | { readonly event: "done"; readonly client: string; readonly torrent: number; readonly seconds: number }
  | ClientStatus;

/** What a client has at a moment. Networks are named by the third number of their addresses. */
export interface ClientStatus {
  readonly event: "status";
  readonly client: string;
  /** Since the start of the scenario. */
  readonly seconds: number;
  /** From 0 to 1, of the first torrent. */
  readonly progress: number;
  /** Bytes of the first torrent, and open connections, by the network of the peer. */
  readonly received: { readonly [network: string]: number };
  readonly sent: { readonly [network: string]: number };
  readonly connections: { readonly [network: string]: number };
}

/** Whether a client has all of its files. */
export function isDone({ torrents, seconds }: Client): boolean {
  return torrents.every((_, i) => seconds[i] !== undefined);
}

/** All clients of a run. */
export class Clients {
  readonly all: readonly Client[];
  readonly #site: Site;
  readonly #settings: ClientSettings;
  readonly #onStatus: ((status: ClientStatus) => void) | undefined;
  /** Processes of libtorrent clients. */
  readonly #hosts: { readonly program: Program; readonly clients: readonly Client[] }[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #begun = 0;

  /** @param onStatus is called every second for each libtorrent client. */
  constructor(
    site: Site,
    settings: ClientSettings,
    all: readonly Client[],
    onStatus?: (status: ClientStatus) => void,
  ) {
    this.#site = site;
    this.#onStatus = onStatus;
    this.#settings = settings;
    this.all = all;
  }

  /** Starts the processes, and the clients that have the file. */
  async prepare(): Promise<void> {
    const own = this.all.filter(({ crew }) => crew.kind === undefined && crew.killAt !== undefined);
    const shared = this.all.filter((each) => each.crew.kind === undefined && !own.includes(each));
    const byNetwork = Map.groupBy(shared, ({ namespace }) => namespace);
    for (const clients of [...byNetwork.values(), ...own.map((client) => [client])]) this.#startHost(clients);
    for (const { crew, name, torrents } of this.all) {
      if (crew.seed) continue;
      for (const { directory } of torrents) await mkdir(directory, { recursive: true });
      const mark = this.#site.path(`${name}.done`);
      if (crew.kind) await writeFile(this.#hook(name), `#!/bin/sh\n: > ${mark}\n`, { mode: 0o755 });
    }
  }

  /** Second zero: from now on the others arrive. */
  begin(): void {
    this.#begun = performance.now();
    for (const { program } of this.#hosts) program.tell("go");
    for (const client of this.all) {
      const { kind } = client.crew;
      if (kind === undefined) continue;
      const start = () => (kind === "aria2" ? this.#startAria2(client) : this.#startRtorrent(client));
      this.#timers.push(setTimeout(start, client.at * 1000));
    }
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Whether a client that has not left lacks a file. */
  get waiting(): boolean {
    return this.all.some((client) => !client.crew.seed && !client.gone && !isDone(client));
  }

  /** Checks the clients. @throws Error if one failed. */
  check(): void {
    for (const client of this.all) {
      if (client.crew.kind === undefined || client.seconds[0] !== undefined) continue;
      if (existsSync(this.#site.path(`${client.name}.done`))) client.seconds[0] = this.elapsed - client.at;
    }
    for (const { program, clients } of this.#hosts) {
      if (!program.over || clients.every(({ gone }) => gone)) continue;
      throw new Error(`a client's process ended:\n${program.lastLines}`);
    }
  }

  /** Starts no more clients. The site ends those that run. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #startHost(clients: readonly Client[]): void {
    const byName = new Map(clients.map((client) => [client.name, client]));
    const hear = (line: string) => {
      if (!line.startsWith("{")) return;
      const message: Message = JSON.parse(line);
      const client = byName.get(message.client);
      if (client === undefined) return;
      if (message.event === "announced") client.announces++;
      if (message.event === "done") client.seconds[message.torrent] = message.seconds;
      if (message.event === "gone") client.gone = true;
      if (message.event === "status") this.#onStatus?.(message);
    };
    const program = this.#site.start(clients[0].namespace, LIBTORRENT, hear);
    this.#hosts.push({ program, clients });
    const { reannounceSeconds, dht, ...settings } = this.#settings;
    const job = {
      ...settings,
      watch: this.#onStatus !== undefined,
      reannounce: reannounceSeconds,
      dht: dht ? `${TRACKER_HOST}:${PORTS.dht}` : null,
      clients: clients.map(({ name, address, at, crew, torrents }) => ({
        name,
        address,
        at,
        torrents,
        seed: crew.seed ?? false,
        upload: crew.upload ?? UPLOAD,
        download: crew.download ?? 0,
        kill_at: crew.killAt,
        leave_at: crew.leaveAt,
      })),
    };
    program.tell(JSON.stringify(job));
  }

  #startAria2({ name, namespace, address, crew, torrents: [torrent] }: Client): void {
    const { dht, pex, lsd, reannounceSeconds, connections } = this.#settings;
    const argv = [
      "aria2c",
      "--no-conf",
      `--enable-dht=${dht}`,
      ...(dht ? [`--dht-entry-point=${TRACKER_HOST}:${PORTS.dht}`, `--dht-listen-port=${PORT}`] : []),
      `--dht-file-path=${this.#site.path(`${name}.dht`)}`,
      "--enable-dht6=false",
      `--enable-peer-exchange=${pex}`,
      `--bt-enable-lpd=${lsd}`,
      `--bt-tracker-interval=${reannounceSeconds}`,
      `--bt-max-peers=${connections}`,
      "--summary-interval=0",
      "--disable-ipv6=true",
      "--file-allocation=none",
      "--seed-ratio=0.0",
      `--max-upload-limit=${crew.upload ?? UPLOAD}K`,
      `--max-download-limit=${crew.download ?? 0}K`,
      `--interface=${address}`,
      `--listen-port=${PORT}`,
      `--dir=${torrent.directory}`,
      `--on-bt-download-complete=${this.#hook(name)}`,
      torrent.metainfo,
    ];
    this.#site.start(namespace, argv);
  }

  #startRtorrent({ name, namespace, address, crew, torrents: [torrent] }: Client): void {
    const { reannounceSeconds: again, connections, pex } = this.#settings;
    const file = this.#site.path(`${name}.rc`);
    const settings = [
      `network.bind_address.set=${address}`,
      `network.port_range.set=${PORT}-${PORT}`,
      "network.port_random.set=no",
      "dht.mode.set=disable",
      `protocol.pex.set=${pex ? "yes" : "no"}`,
      "pieces.hash.on_completion.set=no",
      "system.daemon.set=true",
      `throttle.max_peers.normal.set=${connections}`,
      `throttle.global_up.max_rate.set_kb=${crew.upload ?? UPLOAD}`,
      `throttle.global_down.max_rate.set_kb=${crew.download ?? 0}`,
      `directory.default.set=${torrent.directory}`,
      `method.set_key=event.download.finished,done,"execute.nothrow=${this.#hook(name)}"`,
      again === 0 ? "" : `schedule2=announce,${again},${again},"d.multicall2=main,d.tracker_announce="`,
      `schedule2=load,0,0,"load.start=${torrent.metainfo}"`,
    ];
    writeFileSync(file, `${settings.join("\n")}\n`);
    this.#site.start(namespace, ["rtorrent", "-n", "-o", `import=${file}`]);
  }

  /** A program that records that a client has the file. */
  #hook(name: string): string {
    return this.#site.path(`${name}.hook`);
  }
}
