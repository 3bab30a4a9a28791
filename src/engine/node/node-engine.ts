/** The portable engine: TCP over `node:net`, UDP over `node:dgram`. */

import { closeSync, openSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { devNull } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { bindingOf } from "../binding.ts";
import { VERDICT } from "../connection-limits/connection-limiter.ts";
import {
  type DatagramService,
  type Engine,
  type EngineCounters,
  type EngineLimits,
  Exchange,
  FIRST_REQUEST_MS,
  type ListenAddresses,
  type Services,
} from "../engine.ts";
import { writePeerAddress } from "../peer-address.ts";
import { Connection, type Shared } from "./connection.ts";
import { ConnectionTable } from "./connection-table.ts";
import { ADDRESS_WATCH, type AddressWatch, DatagramListener } from "./datagram-listener.ts";
import { DeferredConnections } from "./deferred-connections.ts";
import { openListener } from "./listener.ts";
import { listenAddressOf } from "./listening.ts";
import { Output } from "./output.ts";
import { boundBuffers } from "./socket-buffers.ts";
import { TurnQueue } from "./turn-queue.ts";

/** Interval of the deadline checks, in milliseconds: a quarter of the shortest timeout, within these bounds. */
const CHECK_INTERVAL_MS = { least: 5, most: 500 } as const;

/** Tokens start at a random number, so that those of an earlier engine are unknown to this one. */
const TOKENS = 2 ** 48;

/**
 * Limit on answering datagrams that had arrived before a stop, in milliseconds. A full receive buffer takes less; an
 * endless stream of new ones must not delay the stop.
 */
const DRAIN_MS = 250;

/** Serves TCP connections and UDP datagrams on the event loop of the thread that made it. It does not start again once stopped. */
export class NodeEngine implements Engine {
  readonly wakeDescriptor = -1;
  readonly #shared: Shared;
  readonly #datagramService: DatagramService;
  readonly #servers: Server[] = [];
  readonly #addressWatch: AddressWatch;
  readonly #datagrams: DatagramListener[] = [];
  readonly #deadlineTimer: NodeJS.Timeout;
  readonly #onConnection = (socket: Socket) => this.#accept(socket);
  readonly #checkDeadlines = () => {
    const now = performance.now();
    for (const connection of this.#shared.connections) connection.checkDeadline(now);
    if (this.#servers.length > 0 && !hasDescriptors()) this.#shared.counters.acceptFailed();
  };
  #stopped: Promise<void> | undefined;

  /** @param addressWatch how the machine's addresses are listed. */
  constructor(
    services: Services,
    limits: EngineLimits,
    counters: EngineCounters,
    addressWatch = ADDRESS_WATCH,
  ) {
    this.#addressWatch = addressWatch;
    this.#datagramService = services.datagram;
    this.#shared = {
      service: services.stream,
      limits,
      counters,
      exchange: new Exchange(),
      output: new Output(),
      connections: new Set(),
      table: new ConnectionTable(limits),
      turns: new TurnQueue(),
      deferred: new DeferredConnections(),
      nextToken: 1 + Math.floor(Math.random() * TOKENS),
      stopping: false,
      onEmpty: () => {},
    };
    const quarter = Math.min(limits.idleTimeoutMs, limits.requestTimeoutMs) / 4;
    const interval = Math.min(Math.max(quarter, CHECK_INTERVAL_MS.least), CHECK_INTERVAL_MS.most);
    // setImmediate: after a blocked event loop, input that has arrived is read before deadlines are checked.
    this.#deadlineTimer = setInterval(() => setImmediate(this.#checkDeadlines), interval).unref();
  }

  async listen({ streams, datagrams }: ListenAddresses, shared: boolean): Promise<ListenAddresses> {
    const { counters } = this.#shared;
    const servers: Server[] = [];
    const listeners: DatagramListener[] = [];
    try {
      for (const address of streams) {
        const server = await openListener(bindingOf(address, streams, shared), this.#onConnection);
        // Failures to accept are errors of the server. When descriptors are exhausted libuv closes connections without
        // an error.
        server.on("error", () => counters.acceptFailed());
        servers.push(server);
        await boundBuffers(server);
      }
      for (const address of datagrams) {
        const binding = bindingOf(address, datagrams, shared);
        listeners.push(
          await DatagramListener.open(binding, this.#datagramService, counters, this.#addressWatch),
        );
      }
      if (this.#shared.stopping) throw new Error("the engine has been stopped");
    } catch (error) {
      for (const opened of [...servers, ...listeners]) opened.close();
      throw error;
    }
    this.#servers.push(...servers);
    this.#datagrams.push(...listeners);
    return {
      streams: servers.map((server) => listenAddressOf(server.address())),
      datagrams: listeners.map(({ address }) => address),
    };
  }

  resume(token: number, reply?: unknown): void {
    this.#shared.deferred.get(token)?.resume(reply);
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  #accept(socket: Socket): void {
    const { connections, table, counters, service, stopping } = this.#shared;
    // The address is missing when the client has disconnected already.
    const { remoteAddress } = socket;
    if (stopping || remoteAddress === undefined) {
      counters.connectionRefused();
      socket.destroy();
      return;
    }
    const remote = new Uint8Array(16);
    writePeerAddress(remoteAddress, remote);
    const isProxy = service.isProxy(remote);
    const verdict = table.limiter.decide(remote, isProxy);
    if (verdict === VERDICT.full || verdict === VERDICT.overShare) {
      if (verdict === VERDICT.full) counters.connectionRefused();
      else counters.connectionOverShare();
      socket.destroy();
      return;
    }
    if (verdict !== VERDICT.accept) table.at(verdict)?.displace();
    counters.connectionAccepted();
    connections.add(
      table.add(remote, isProxy, (number) => new Connection(this.#shared, socket, number, remote)),
    );
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
    // Two turns of the event loop read all input that has arrived; connections without any are idle.
    await nextTurn();
    await nextTurn();
    for (const connection of shared.connections) connection.closeIfIdle(false);
    const firstRequestTimer = setTimeout(
      () => {
        for (const connection of shared.connections) connection.closeIfIdle(true);
      },
      Math.min(graceMs, FIRST_REQUEST_MS),
    );
    await this.#drainDatagrams(performance.now() + Math.min(graceMs, DRAIN_MS));
    if (shared.connections.size > 0) await empty;
    clearTimeout(firstRequestTimer);
    clearTimeout(graceTimer);
    clearInterval(this.#deadlineTimer);
  }
  /** Continues until a turn of the event loop has brought no datagram, or the deadline has passed. */
  async #drainDatagrams(deadline: number): Promise<void> {
    const received = () => this.#datagrams.reduce((sum, listener) => sum + listener.received, 0);
    let before = -1;
    while (before < received() && performance.now() < deadline) {
      before = received();
      await nextTurn();
      await nextTurn();
    }
    for (const listener of this.#datagrams) listener.close();
  }
}

/** Whether a descriptor is free. libuv does not report it. */
function hasDescriptors(): boolean {
  try {
    closeSync(openSync(devNull, "r"));
    return true;
  } catch {
    return false;
  }
}
