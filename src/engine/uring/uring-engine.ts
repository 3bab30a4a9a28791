/**
 * The engine for Linux: TCP over io_uring(7), UDP over recvmmsg(2) and sendmmsg(2), both with few system calls. See
 * {@link Ring} for the kernel features it requires.
 */
import { bindingOf } from "../binding.ts";
import {
  type Engine,
  type EngineCounters,
  type EngineLimits,
  FIRST_REQUEST_MS,
  type ListenAddresses,
  type Services,
} from "../engine.ts";
import { AcceptCoalescing } from "./accept-coalescing.ts";
import { Connections } from "./connections.ts";
import { DatagramServer } from "./datagram-server.ts";
import { InputBuffers } from "./input-buffers.ts";
import { EVENTFD_FLAGS, POLL } from "./layouts.ts";
import { close, eventfd, read, systemError, usleep } from "./libc.ts";
import { Memory } from "./memory.ts";
import { PURPOSE } from "./purpose.ts";
import { type ResourceData, Resources } from "./resources.ts";
import { Ring } from "./ring.ts";
import { type BoundSocket, SocketCalls } from "./socket-calls.ts";
import { StreamServer } from "./stream-server.ts";

/** Number of the buffer group. */
const INPUT_GROUP = 1;

/** Limits of a wait in the kernel, in milliseconds. A wait delays the thread's timers, not its messages. */
export interface Waits {
  readonly busyMs: number;
  /** After {@link IDLE_WAITS} waits in a row in which nothing happened. */
  readonly idleMs: number;
}

const WAITS: Waits = { busyMs: 50, idleMs: 500 };
const IDLE_WAITS = 20;

/** Time in a row after which the event loop runs, in milliseconds. */
const SLICE_MS = 20;

/** Interval of the deadline checks, in milliseconds: a quarter of the shortest timeout, within these bounds. */
const CHECK_INTERVAL_MS = { least: 5, most: 500 } as const;

/** Interval of the deadline checks while requests are deferred, in milliseconds. */
const CHECK_DEFERRED_MS = 50;

/** Completions whose input the service is told of together. Their memory fits the processor's nearest cache. */
const EXPECTED_AT_ONCE = 32;

/** Turns in which input that had arrived before a stop is read. */
const LAST_TURNS = 2;

/** What tests change. */
export interface UringOptions {
  readonly waits?: Waits;
  /** Decides when the thread sleeps to collect connections. */
  readonly coalescing?: AcceptCoalescing;
}

/** A stop in progress. */
interface Stopping {
  readonly resolve: () => void;
  /** When connections without a first request, and when all others, are closed, on the clock of `performance.now()`. */
  readonly firstRequestDeadline: number;
  readonly deadline: number;
  turns: number;
}

/**
 * Serves on the thread that created it, which must do little else: the thread waits in the kernel, and its event loop
 * runs once between two waits. It cannot be started again after a stop.
 */
export class UringEngine implements Engine {
  readonly wakeDescriptor: number;
  readonly #resources: Resources;
  readonly #ring: Ring;
  readonly #buffers: InputBuffers;
  readonly #connections: Connections;
  readonly #streams: StreamServer;
  readonly #datagrams: DatagramServer;
  readonly #coalescing: AcceptCoalescing;
  readonly #waits: Waits;
  readonly #checkIntervalMs: number;
  readonly #turn = () => this.#serve();
  #checkedAt = 0;
  /** Waits in a row in which nothing happened. */
  #idleWaits = 0;
  #running = false;
  #woken = false;
  /** All connections have ended: wake-ups are ignored. */
  #isOver = false;
  /** Buffer into which the count of {@link wakeDescriptor} is read. */
  readonly #wakes = new Uint8Array(8);
  #stopping: Stopping | undefined;
  #stopped: Promise<void> | undefined;

  /**
   * @param resources for at least `limits.maxConnections` connections and the listening sockets.
   * @throws SystemError if the kernel refuses.
   */
  constructor(
    services: Services,
    limits: EngineLimits,
    counters: EngineCounters,
    resources: ResourceData,
    { waits = WAITS, coalescing = new AcceptCoalescing(usleep, performance.now()) }: UringOptions = {},
  ) {
    const { maxConnections } = limits;
    this.#waits = waits;
    this.#coalescing = coalescing;
    this.#resources = new Resources(resources, maxConnections);
    this.#ring = Ring.forConnections(maxConnections);
    this.#resources.ring = this.#ring;
    this.#buffers = new InputBuffers(this.#ring, INPUT_GROUP);
    this.#connections = new Connections(this.#resources.connections, limits);
    this.#streams = new StreamServer({
      ring: this.#ring,
      buffers: this.#buffers,
      connections: this.#connections,
      service: services.stream,
      limits,
      counters,
      flush: () => this.#enter(0, 0),
    });
    this.#datagrams = new DatagramServer(this.#ring, services.datagram, counters);
    this.wakeDescriptor = eventfd(0, EVENTFD_FLAGS);
    if (this.wakeDescriptor < 0) throw systemError("eventfd");
    this.#resources.wake = this.wakeDescriptor;
    this.#ring.poll(this.wakeDescriptor, POLL.readable, 0, PURPOSE.woken);
    this.#resources.mappings = Memory.mapped();
    const quarter = Math.min(limits.idleTimeoutMs, limits.requestTimeoutMs) / 4;
    this.#checkIntervalMs = Math.min(Math.max(quarter, CHECK_INTERVAL_MS.least), CHECK_INTERVAL_MS.most);
  }

  async listen({ streams, datagrams }: ListenAddresses, shared: boolean): Promise<ListenAddresses> {
    const calls = new SocketCalls();
    const opened: BoundSocket[] = [];
    const openAll = (type: "stream" | "datagram", addresses: ListenAddresses["streams"]) =>
      addresses.map((address) => {
        const { ipv6Only } = bindingOf(address, addresses, shared);
        const socket = calls.open(address, { type, ipv6Only, shared });
        opened.push(socket);
        return socket;
      });
    try {
      if (this.#stopped !== undefined) throw new Error("the engine has been stopped");
      const streamSockets = openAll("stream", streams);
      const datagramSockets = openAll("datagram", datagrams);
      this.#resources.sockets = opened.map(({ fd }) => fd);
      for (const socket of streamSockets) this.#streams.listen(socket);
      for (const socket of datagramSockets) this.#datagrams.add(socket);
      this.#start();
      const addressesOf = (sockets: readonly BoundSocket[]) => sockets.map(({ address }) => address);
      return { streams: addressesOf(streamSockets), datagrams: addressesOf(datagramSockets) };
    } catch (error) {
      for (const { fd } of opened) close(fd);
      throw error;
    } finally {
      calls.close();
    }
  }

  resume(token: number, reply?: unknown): void {
    this.#streams.resume(token, reply);
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      const now = performance.now();
      const firstRequestDeadline = now + Math.min(graceMs, FIRST_REQUEST_MS);
      this.#stopping = { resolve, firstRequestDeadline, deadline: now + graceMs, turns: 0 };
      this.#streams.stop();
      this.#start();
    });
    return this.#stopped;
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(this.#turn);
  }

  /** Serves until there is nothing to do or the slice is over, and then lets the event loop run. */
  #serve(): void {
    const sliceEnds = performance.now() + SLICE_MS;
    let busy = false;
    this.#woken = false;
    do {
      this.#enter(this.#streams.hasQueued ? 0 : 1, this.#waitLimit());
      const now = performance.now();
      this.#connections.now = now;
      const hadQueued = this.#streams.hasQueued;
      this.#streams.takeTurns();
      // While only queued turns are left, the event loop runs between them.
      busy = this.#complete() || (hadQueued && !this.#streams.hasQueued);
      this.#idleWaits = busy ? 0 : this.#idleWaits + 1;
      const interval = this.#streams.hasDeferred ? CHECK_DEFERRED_MS : this.#checkIntervalMs;
      if (now >= this.#checkedAt + Math.min(interval, this.#checkIntervalMs)) {
        this.#checkedAt = now;
        this.#streams.checkDeadlines();
      }
    } while (busy && !this.#woken && this.#stopping === undefined && this.#connections.now < sliceEnds);
    if (this.#stopping !== undefined && this.#stopTurn(this.#stopping)) return;
    setImmediate(this.#turn);
  }

  /** The limit of the next wait. A client that waits for a reply needs the timers. */
  #waitLimit(): number {
    if (this.#stopping !== undefined) return 1;
    const isIdle = this.#idleWaits >= IDLE_WAITS && !this.#streams.hasDeferred;
    return isIdle ? this.#waits.idleMs : this.#waits.busyMs;
  }

  /** Enters the ring, and reports replies that were not sent completely. */
  #enter(least: number, timeoutMs: number): void {
    const { completions } = this.#ring;
    const before = completions.tail;
    const isDelayed = least > 0 && completions.head === before && this.#coalescing.isWorthwhile;
    if (isDelayed) this.#delay();
    const hasCompletions = completions.head !== completions.tail;
    // A delay has submitted all entries.
    if (!isDelayed || !hasCompletions) this.#ring.enter(hasCompletions ? 0 : least, timeoutMs);
    const { tail } = completions;
    for (let position = before; position !== tail; position = (position + 1) >>> 0) {
      const at = completions.at(position);
      if (completions.purpose(at) !== PURPOSE.unsent) continue;
      this.#streams.unsent(completions.owner(at), completions.result(at));
      completions.setPurpose(at, PURPOSE.none);
    }
    this.#streams.entered();
  }

  /** Submits all pending entries, so that no reply is delayed, and sleeps if no completion is there. */
  #delay(): void {
    const { completions } = this.#ring;
    this.#ring.enter(0, 0);
    if (completions.head === completions.tail) this.#coalescing.delay();
  }

  /** Handles the available completions. @returns whether there were any. */
  #complete(): boolean {
    const { completions } = this.#ring;
    const { head, tail } = completions;
    let accepted = 0;
    let expected = head;
    for (let position = head; position !== tail; position = (position + 1) >>> 0) {
      if (position === expected) {
        expected = (position + Math.min((tail - position) >>> 0, EXPECTED_AT_ONCE)) >>> 0;
        this.#streams.expect(completions, position, expected);
      }
      const at = completions.at(position);
      const purpose = completions.purpose(at);
      const owner = completions.owner(at);
      const result = completions.result(at);
      const flags = completions.flags(at);
      this.#ring.taken(at);
      completions.release((position + 1) >>> 0);
      if (purpose === PURPOSE.accepted) accepted++;
      if (purpose === PURPOSE.datagrams) this.#datagrams.complete(owner);
      else if (purpose === PURPOSE.woken) this.#onWake();
      else if (purpose !== PURPOSE.none) this.#streams.complete(purpose, owner, result, flags);
    }
    this.#coalescing.record(accepted, this.#connections.now);
    return head !== tail;
  }

  #onWake(): void {
    if (this.#isOver) return;
    this.#woken = true;
    // The descriptor stays readable until its count is read, and would wake the thread in a loop.
    read(this.wakeDescriptor, this.#wakes, this.#wakes.length);
    this.#ring.poll(this.wakeDescriptor, POLL.readable, 0, PURPOSE.woken);
  }

  /** @returns whether the engine has stopped. */
  #stopTurn(stopping: Stopping): boolean {
    stopping.turns++;
    if (stopping.turns === LAST_TURNS) {
      this.#datagrams.stop();
      this.#streams.closeIdle(false);
    }
    if (this.#connections.now >= stopping.firstRequestDeadline) this.#streams.closeIdle(true);
    if (this.#connections.now >= stopping.deadline) this.#streams.closeAll();
    if (stopping.turns < LAST_TURNS || this.#connections.count > 0) return false;
    if (!this.#isOver) this.#ring.retire(this.wakeDescriptor);
    this.#isOver = true;
    if (!this.#ring.isIdle) return false;
    this.#ring.close();
    this.#buffers.close();
    this.#streams.close();
    this.#datagrams.close();
    stopping.resolve();
    return true;
  }
}
