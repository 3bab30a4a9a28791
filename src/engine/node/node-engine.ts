/** The engine that runs wherever Node does: TCP over `node:net`. */
import type { Server, Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Engine,
  type EngineCounters,
  type EngineLimits,
  Exchange,
  type ListenAddress,
  type StreamService,
} from "../engine.ts";
import { Connection, type Shared } from "./connection.ts";
import { openListener } from "./listener.ts";
import { Output } from "./output.ts";

/** How often deadlines are checked, in milliseconds: a quarter of the shortest limit, within these bounds. */
const CHECK_INTERVAL_MS = { least: 5, most: 500 } as const;

/** Serves TCP connections on the event loop of the thread that made it. It does not start again once stopped. */
export class NodeEngine implements Engine {
  readonly #shared: Shared;
  readonly #servers: Server[] = [];
  readonly #deadlineTimer: NodeJS.Timeout;
  readonly #onConnection = (socket: Socket) => this.#accept(socket);
  readonly #checkDeadlines = () => {
    const now = performance.now();
    for (const connection of this.#shared.connections) connection.checkDeadline(now);
  };
  #stopped: Promise<void> | undefined;

  constructor(service: StreamService, limits: EngineLimits, counters: EngineCounters) {
    this.#shared = {
      service,
      limits,
      counters,
      exchange: new Exchange(),
      output: new Output(),
      connections: new Set(),
      stopping: false,
      onEmpty: () => {},
    };
    const quarter = Math.min(limits.idleTimeoutMs, limits.requestTimeoutMs) / 4;
    const interval = Math.min(Math.max(quarter, CHECK_INTERVAL_MS.least), CHECK_INTERVAL_MS.most);
    // Not in the timer itself: when the thread was held up, what came in meanwhile is read first.
    this.#deadlineTimer = setInterval(() => setImmediate(this.#checkDeadlines), interval).unref();
  }

  async listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]> {
    const opened: Server[] = [];
    try {
      for (const address of addresses) {
        const server = await openListener(address, isSharedWithIPv4(address, addresses), this.#onConnection);
        // Failures to accept come as errors of the server. (Without descriptors, libuv closes and says nothing.)
        server.on("error", () => this.#shared.counters.connectionRefused());
        opened.push(server);
      }
      if (this.#shared.stopping) throw new Error("the engine has been stopped");
    } catch (error) {
      for (const server of opened) server.close();
      throw error;
    }
    this.#servers.push(...opened);
    return opened.map(addressOf);
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  #accept(socket: Socket): void {
    const { connections, limits, counters, stopping } = this.#shared;
    // There is no address when the other end is gone already.
    const { remoteAddress } = socket;
    if (connections.size >= limits.maxConnections || stopping || remoteAddress === undefined) {
      counters.connectionRefused();
      socket.destroy();
      return;
    }
    counters.connectionAccepted();
    connections.add(new Connection(this.#shared, socket, remoteAddress));
  }

  async #stop(graceMs: number): Promise<void> {
    const shared = this.#shared;
    shared.stopping = true;
    for (const server of this.#servers) server.close();
    const { promise: empty, resolve } = Promise.withResolvers<void>();
    shared.onEmpty = resolve;
    const graceTimer = setTimeout(() => {
      for (const connection of shared.connections) connection.destroy();
    }, graceMs);
    // A whole turn of the event loop reads what has already arrived; who sent nothing by then is idle.
    await nextTurn();
    await nextTurn();
    for (const connection of shared.connections) connection.closeIfIdle();
    if (shared.connections.size > 0) await empty;
    clearTimeout(graceTimer);
    clearInterval(this.#deadlineTimer);
  }
}

/** Whether IPv4 on the port of `::` has a listener of its own, `0.0.0.0`. */
function isSharedWithIPv4(address: ListenAddress, addresses: readonly ListenAddress[]): boolean {
  if (address.host !== "::" || address.port === 0) return false;
  return addresses.some(({ host, port }) => host === "0.0.0.0" && port === address.port);
}

function addressOf(server: Server): ListenAddress {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on an address");
  return { host: address.address, port: address.port };
}
