/** Announces at a fixed rate, on connections that are kept. It measures how long a server with little to do takes. */
import { spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { type Supply, supplyRequests } from "./announces.ts";
import { encodeHttp } from "./http-requests.ts";
import { ResponseReader } from "./http-responses.ts";
import type { Population } from "./population.ts";

const CONNECTIONS = 64;
const REQUEST_ROOM = 1024;
const TICK_MS = 1;

/** Latencies in milliseconds of the announces since the last reading. */
export class SteadyLoad {
  /** Announces that found every connection in use. */
  late = 0;
  readonly #supplies: readonly Supply[];
  readonly #reader = new ResponseReader();
  readonly #connections: Connection[] = [];
  readonly #perMs: number;
  #latencies: number[] = [];
  #next = 0;
  #sent = 0;
  #began = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param perSecond announces. */
  constructor(population: Population, perSecond: number) {
    this.#supplies = supplyRequests({ kind: "mix", population }, encodeHttp(population, false));
    this.#perMs = perSecond / 1000;
  }

  /** Connects, and sends until {@link stop}. This process comes before all others, if it may: its delays are not the server's. */
  start(port: number): void {
    spawnSync("chrt", ["--fifo", "--reset-on-fork", "--pid", "1", String(process.pid)], { stdio: "ignore" });
    for (let i = 0; i < CONNECTIONS; i++)
      this.#connections.push(new Connection(port, this.#reader, (ms) => this.#latencies.push(ms)));
    this.#began = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** The latencies since the last call. */
  take(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.end();
  }

  #tick(): void {
    const due = Math.floor((performance.now() - this.#began) * this.#perMs);
    for (; this.#sent < due; this.#sent++) {
      const free = this.#connections.findIndex(({ isFree }) => isFree);
      if (free === -1) this.late++;
      else this.#connections[free].send(this.#supplies[this.#next++ % this.#supplies.length]);
    }
  }
}

class Connection {
  isFree = true;
  readonly #socket: Socket;
  readonly #request = Buffer.alloc(REQUEST_ROOM);
  #received: Buffer = Buffer.alloc(0);
  #sentAt = 0;

  constructor(port: number, reader: ResponseReader, answered: (ms: number) => void) {
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.on("data", (bytes) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      if (reader.read(this.#received, 0, this.#received.length) < 0) return;
      this.#received = Buffer.alloc(0);
      this.isFree = true;
      answered(performance.now() - this.#sentAt);
    });
  }

  send(supply: Supply): void {
    this.isFree = false;
    const length = supply(this.#request, 0, 1);
    this.#sentAt = performance.now();
    this.#socket.write(Buffer.from(this.#request.subarray(0, length)));
  }

  end(): void {
    this.#socket.destroy();
  }
}
