/** Real BitTorrent clients. Each listens on one address, finds peers only through the tracker, and keeps running. */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Bed, Process } from "./bed.ts";
import type { Torrent } from "./torrent.ts";

const LIBTORRENT = fileURLToPath(new URL("./libtorrent-clients.py", import.meta.url));

/** Settings of libtorrent without encryption, which retries at once. */
export const PLAIN_LIBTORRENT = {
  out_enc_policy: 2,
  in_enc_policy: 2,
  min_reconnect_time: 1,
  max_failcount: 100,
};
/** Settings of libtorrent with uTP besides TCP. */
export const UTP_LIBTORRENT = { enable_incoming_utp: true, enable_outgoing_utp: true };

/** The options of a client. */
export interface ClientOptions {
  readonly torrent: Torrent;
  /** The directory of its payload, which is created if missing. */
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  /** Whether it has the whole payload already. */
  readonly seed: boolean;
  /** Settings of libtorrent, for this client only. */
  readonly settings?: Readonly<Record<string, number | boolean>>;
}

/** Starts one client. It tells the tracker that it stops when its process gets `stopSignal`. */
export interface ClientKind {
  readonly name: string;
  readonly stopSignal: NodeJS.Signals;
  start(bed: Bed, options: ClientOptions, namespace?: string): Promise<Process>;
}

const aria2: ClientKind = {
  name: "aria2",
  stopSignal: "SIGINT",
  start: async (bed, { torrent, directory, address, port, seed }, namespace) => {
    const options = [
      "--no-conf",
      "--enable-dht=false",
      "--enable-dht6=false",
      "--enable-peer-exchange=false",
      "--bt-enable-lpd=false",
      "--summary-interval=0",
      "--disable-ipv6=true",
      "--file-allocation=none",
      "--seed-ratio=0.0",
      "--allow-overwrite=true",
      `--interface=${address}`,
      `--listen-port=${port}`,
      `--dir=${directory}`,
    ];
    if (seed) options.push("--check-integrity=true");
    return bed.run(["aria2c", ...options, torrent.path], namespace);
  },
};

const rtorrent: ClientKind = {
  name: "rtorrent",
  stopSignal: "SIGINT",
  start: async (bed, { torrent, directory, address, port }, namespace) => {
    await mkdir(directory, { recursive: true });
    const settings = bed.path(`rtorrent-${port}.rc`);
    await writeFile(
      settings,
      `network.bind_address.set=${address}
network.port_range.set=${port}-${port}
network.port_random.set=no
dht.mode.set=disable
protocol.pex.set=no
pieces.hash.on_completion.set=no
system.daemon.set=true
directory.default.set=${directory}
schedule2=load,1,0,"load.start=${torrent.path}"
`,
    );
    return bed.run(["rtorrent", "-n", "-o", `import=${settings}`], namespace);
  },
};

const transmission: ClientKind = {
  name: "transmission",
  stopSignal: "SIGTERM",
  start: async (bed, { torrent, directory, address, port, seed }, namespace) => {
    // It announces before it has checked its payload.
    if (seed) throw new Error("transmission-cli is no seeder from the start");
    await mkdir(directory, { recursive: true });
    const settings = bed.path(`transmission-${port}`);
    await mkdir(settings);
    const chosen = {
      "bind-address-ipv4": address,
      "dht-enabled": false,
      "lpd-enabled": false,
      "pex-enabled": false,
      "utp-enabled": false,
      "port-forwarding-enabled": false,
    };
    await writeFile(`${settings}/settings.json`, JSON.stringify(chosen));
    const options = ["-g", settings, "-w", directory, "-p", String(port)];
    return bed.run(["transmission-cli", ...options, torrent.path], namespace);
  },
};

const libtorrent: ClientKind = {
  name: "libtorrent",
  stopSignal: "SIGTERM",
  start: (bed, options, namespace) => startLibtorrents(bed, [options], namespace),
};

/** The clients with which tests transfer files. */
export const CLIENT_KINDS = { aria2, rtorrent, transmission, libtorrent } as const;

/** Starts several libtorrent clients in one process. */
export async function startLibtorrents(
  bed: Bed,
  clients: readonly ClientOptions[],
  namespace?: string,
): Promise<Process> {
  for (const { directory } of clients) await mkdir(directory, { recursive: true });
  const list = clients.map(({ torrent, ...others }) => ({ ...others, torrent: torrent.path }));
  return bed.run(["/usr/bin/python3", LIBTORRENT, JSON.stringify(list)], namespace);
}
