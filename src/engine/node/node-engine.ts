/** The engine that runs wherever Node does: TCP over `node:net`, UDP over `node:dgram`. */

import { closeSync, openSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { devNull } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { bindingOf } from "../binding.ts";
import { VERDICT } from "../crowd/crowd.ts";
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
import { Backlog } from "./backlog.ts";
import { Connection, type Shared } from "./connection.ts";
import { ADDRESS_WATCH, type AddressWatch, DatagramListener } from "./datagram-listener.ts";
import { openListener } from "./listener.ts";
import { listenAddressOf } from "./listening.ts";
import { Members } from "./members.ts";
import { Output } from "./output.ts";
import { boundBuffers } from "./socket-buffers.ts";

/** How often deadlines are checked, in milliseconds: a quarter of the shortest limit, within these bounds. */
const CHECK_INTERVAL_MS = { least: 5, most: 500 } as const;

/** How often it is looked whether a wait is over. */
const CHECK_WAITS_MS = 50;

/** Tokens begin anywhere, so that those of an engine that was before mean nothing to the next. */
const TOKENS = 2 ** 48;

/**
 * Time to answer datagrams that had arrived before a stop: a full receive buffer's, and not what is sent for ever
 * after.
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
  readonly #waitTimer: NodeJS.Timeout;
  readonly #onConnection = (socket: Socket) => this.#accept(socket);
  readonly #checkDeadlines = () => {
    const now = performance.now();
    for (const connection of this.#shared.connections) connection.checkDeadline(now);
    if (this.#servers.length > 0 && !hasDescriptors()) this.#shared.counters.acceptFailed();
  };
  readonly #checkWaits = () => {
    const now = performance.now();
    for (const connection of this.#shared.waiting.values()) connection.checkDeadline(now);
  };
  #stopped: Promise<void> | undefined;

  /** @param addressWatch how the machine's addresses are learned. */
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
      members: new Members(limits),
      backlog: new Backlog(),
      waiting: new Map(),
      nextToken: 1 + Math.floor(Math.random() * TOKENS),
      stopping: false,
      onEmpty: () => {},
    };
    const quarter = Math.min(limits.idleTimeoutMs, limits.requestTimeoutMs) / 4;
    const interval = Math.min(Math.max(quarter, CHECK_INTERVAL_MS.least), CHECK_INTERVAL_MS.most);
    // Not in the timer itself: when the thread was held up, what came in meanwhile is read first.
    this.#deadlineTimer = setInterval(() => setImmediate(this.#checkDeadlines), interval).unref();
    this.#waitTimer = setInterval(this.#checkWaits, CHECK_WAITS_MS).unref();
  }

  async listen({ streams, datagrams }: ListenAddresses, shared: boolean): Promise<ListenAddresses> {
    const { counters } = this.#shared;
    const servers: Server[] = [];
    const listeners: DatagramListener[] = [];
    try {
      for (const address of streams) {
        const server = await openListener(bindingOf(address, streams, shared), this.#onConnection);
        // Failures to accept come as errors of the server. (Without descriptors libuv closes, and says nothing.)
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

  resume(token: number): void {
    this.#shared.waiting.get(token)?.resume();
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  #accept(socket: Socket): void {
    const { connections, members, counters, service, stopping } = this.#shared;
    // There is no address when the other end is gone already.
    const { remoteAddress } = socket;
    if (stopping || remoteAddress === undefined) {
      counters.connectionRefused();
      socket.destroy();
      return;
    }
    const remote = new Uint8Array(16);
    writePeerAddress(remoteAddress, remote);
    const isProxy = service.isProxy(remote);
    const verdict = members.crowd.judge(remote, isProxy);
    if (verdict === VERDICT.full || verdict === VERDICT.overShare) {
      if (verdict === VERDICT.full) counters.connectionRefused();
      else counters.connectionOverShare();
      socket.destroy();
      return;
    }
    if (verdict !== VERDICT.welcome) members.at(verdict)?.makeRoom();
    counters.connectionAccepted();
    connections.add(
      members.add(remote, isProxy, (number) => new Connection(this.#shared, socket, number, remote)),
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
    // A whole turn of the event loop reads what has already arrived; who sent nothing by then is idle.
    await nextTurn();
    await nextTurn();
    for (const connection of shared.connections) connection.closeIfIdle(false);
    const patience = setTimeout(
      () => {
        for (const connection of shared.connections) connection.closeIfIdle(true);
      },
      Math.min(graceMs, FIRST_REQUEST_MS),
    );
    await this.#drainDatagrams(performance.now() + Math.min(graceMs, DRAIN_MS));
    if (shared.connections.size > 0) await empty;
    clearTimeout(patience);
    clearTimeout(graceTimer);
    clearInterval(this.#deadlineTimer);
    clearInterval(this.#waitTimer);
  }
  /** Goes on until a whole turn of the event loop has brought no datagram, or time is up. */
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

/** Whether there is a descriptor left, which libuv does not say. */
function hasDescriptors(): boolean {
  try {
    closeSync(openSync(devNull, "r"));
    return true;
  } catch {
    return false;
  }
}
