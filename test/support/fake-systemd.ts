/** Plays systemd for a tracker: holds its sockets, and receives its notifications. */
import { closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ListenAddress } from "../../src/engine/engine.ts";
import { setsockopt } from "../../src/engine/uring/libc.ts";
import { Memory } from "../../src/engine/uring/memory.ts";
import { SocketCalls } from "../../src/engine/uring/socket-calls.ts";
import { type Bed, type Process, until } from "./bed.ts";
import { type RunOptions, TrackerProcess } from "./tracker-process.ts";

const RECEIVER = fileURLToPath(new URL("./notify-socket.py", import.meta.url));
const BECOME = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"];
/** SO_RCVBUFFORCE, as ReceiveBuffer= of a socket unit sets it: datagrams wait here during a restart. */
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const DATAGRAM_BUFFER_BYTES = 8 * 1024 * 1024;

/** Sockets, and a notification socket for the trackers that it starts, one after the other. */
export class FakeSystemd {
  readonly http: ListenAddress;
  readonly udp: ListenAddress;
  readonly #bed: Bed;
  readonly #path: string;
  readonly #receiver: Process;

  /** @param path of the notification socket; an abstract name starts with `@`. */
  static async open(bed: Bed, path: string): Promise<FakeSystemd> {
    const receiver = bed.run(["/usr/bin/python3", RECEIVER, path]);
    await until("the service manager listens", () => receiver.stdout !== "" || receiver.end !== undefined);
    if (receiver.end !== undefined) throw new Error(receiver.stderr);
    return new FakeSystemd(bed, path, receiver);
  }

  private constructor(bed: Bed, path: string, receiver: Process) {
    this.#bed = bed;
    this.#path = path;
    this.#receiver = receiver;
    const calls = new SocketCalls();
    const open = (type: "stream" | "datagram") => {
      const address = { host: "127.0.0.1", port: 0 };
      const { fd, address: bound } = calls.open(address, { type, ipv6Only: false, shared: false });
      if (type === "datagram") raiseReceiveBuffer(fd);
      return { ...bound, fd };
    };
    this.http = open("stream");
    this.udp = open("datagram");
    calls.close();
  }

  /** The configuration for the addresses that it holds. */
  get listen(): string {
    const addresses = `http: ["127.0.0.1:${this.http.port}"], udp: ["127.0.0.1:${this.udp.port}"]`;
    // All clients have one address here: it may have all connections.
    return `listen: { ${addresses}, max_connections_per_address: 16000 }\n`;
  }

  /** How to run the program that inherits the sockets. @param environment further variables, `NAME=value` each. */
  options(...environment: string[]): RunOptions {
    const directory = `RUNTIME_DIRECTORY=${this.#bed.directory}`;
    const told = [
      directory,
      "LISTEN_FDS=2",
      "LISTEN_FDNAMES=btrt.socket:btrt.socket",
      `NOTIFY_SOCKET=${this.#path}`,
    ];
    const descriptors = [this.http.fd ?? -1, this.udp.fd ?? -1];
    return { by: ["env", ...told, ...environment, ...BECOME], descriptors };
  }

  /** Starts a tracker, and waits until it is ready. */
  start(config: string, ...environment: string[]): Promise<TrackerProcess> {
    return TrackerProcess.start(this.#bed, config, this.options(...environment));
  }

  /** The notifications so far: the lines of each datagram. */
  get heard(): string[][] {
    const [, ...lines] = this.#receiver.stdout.split("\n").slice(0, -1);
    return lines.map((line) => String(JSON.parse(line)).trimEnd().split("\n"));
  }

  /** Waits for a notification. @param from index of the first datagram that counts. @returns that datagram. */
  async hears(what: string, wanted: RegExp, from = 0): Promise<string[]> {
    let found: string[] | undefined;
    await until(`the service manager hears ${what}`, () => {
      found = this.heard.slice(from).find((lines) => lines.some((line) => wanted.test(line)));
      return found !== undefined;
    });
    return found ?? [];
  }

  /** Closes the sockets. */
  close(): void {
    for (const { fd } of [this.http, this.udp]) if (fd !== undefined) closeSync(fd);
  }
}

function raiseReceiveBuffer(fd: number): void {
  const memory = Memory.allocate(4096);
  memory.words[0] = DATAGRAM_BUFFER_BYTES;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, memory.pointerTo(0), 4);
  memory.unmap();
}
