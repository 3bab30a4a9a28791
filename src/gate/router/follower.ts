/**
 * Keeps a router's lists as the tracker wants them.
 *
 * It fails open. The rules refuse only while the tracker is said to be alive, which is renewed by each of its events and
 * ends by itself when no more events come: because the tracker, the link or this program is gone.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { describeFailure } from "../../platform/failure.ts";
import { GateProtocolError } from "../event-reader.ts";
import { GATE_LIMITS, GATE_LISTS, type GateBegin, type GateEvent } from "../protocol.ts";
import { CounterTotals } from "./counter-totals.ts";
import { CutQueue } from "./cut-queue.ts";
import type { GateTable } from "./gate-table.ts";
import { ListMirror } from "./list-mirror.ts";
import { readMachineName } from "./machine.ts";
import { ELEMENTS_PER_TRANSACTION } from "./nft-lists.ts";
import { type GateSource, TrackerConnection } from "./tracker-connection.ts";

/** The least time between two changes of the lists. Later a client that is closed has connected to the outside already. */
const CHANGE_EVERY_MS = 30;

/** Waits before connecting again, and after nft failed: the first and the longest. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;

/** The time between two reports of the counters. */
const REPORT_EVERY_MS = 10_000;

/** The events of a follower that people are informed of. */
export interface FollowerObserver {
  /** The router's lists are as the tracker wants them. */
  applied(elements: number): void;
  /** The lists cannot be had or loaded. The follower tries again. */
  failed(message: string): void;
  /** The counters cannot be reported. The follower tries again. */
  notReported(message: string): void;
}

/** Options of a follower. */
export interface FollowerOptions {
  /** Finds the tracker. Called for each connection, because the token may have changed. */
  readonly source: () => Promise<GateSource>;
  readonly table: GateTable;
  readonly observer: FollowerObserver;
}

/** Follows a tracker, and connects again when it must. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #mirror = new ListMirror();
  readonly #cut = new CutQueue(() => performance.now() / 1000);
  readonly #totals = new CounterTotals();
  readonly #name = randomBytes(8).toString("hex");
  #connection: TrackerConnection | undefined;
  #begin: GateBegin | undefined;
  /** The version of the lists as the tracker has sent them, and as they are in the kernel. */
  #version = 0;
  #appliedVersion = 0;
  /** Whether the tracker has sent all lists on this connection. */
  #isReady = false;
  /** The homes of the rules in the kernel, as JSON. Undefined: they must be loaded. */
  #loaded: string | undefined;
  /** Whether the lists in the kernel have been complete since the rules were loaded. Before that nothing is renewed. */
  #isComplete = false;
  #mustRenew = false;
  #mustOpen = false;
  #wake: () => void = () => {};
  #woken = Promise.resolve();

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#sleep();
  }

  /** Follows until the signal is aborted. Then everything is let through; the rules stay. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake());
    await Promise.all([this.#follow(signal), this.#apply(signal), this.#report(signal)]);
    if (this.#loaded !== undefined) await this.#options.table.open().catch((error) => this.#failed(error));
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        this.#connection = new TrackerConnection(await this.#options.source());
        for await (const event of this.#connection.events(signal)) {
          this.#take(event);
          if (event.event === "ready") waitMs = FIRST_WAIT_MS;
        }
        if (!signal.aborted) this.#failed(new Error("the tracker has ended the connection"));
      } catch (error) {
        if (!signal.aborted) this.#failed(error);
        this.#mustOpen ||= error instanceof GateProtocolError;
        this.#wake();
      }
      this.#isReady = false;
      await this.#connection?.close();
      this.#connection = undefined;
      await delay(waitMs, undefined, { signal }).catch(() => {});
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
  }

  #take(event: GateEvent): void {
    this.#version = event.version;
    if (event.event === "begin") {
      this.#begin = event;
      this.#mirror.begin();
    } else if (event.event === "change") {
      this.#mirror.change(event);
      this.#cut.add(event.cut ?? []);
    } else if (event.event === "ready") {
      this.#mirror.complete();
      this.#isReady = true;
    }
    if (!this.#isReady) return;
    this.#mustRenew = true;
    this.#wake();
  }

  async #apply(signal: AbortSignal): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    for (;;) {
      await this.#woken;
      if (signal.aborted) return;
      this.#sleep();
      try {
        await this.#applyNow();
        waitMs = FIRST_WAIT_MS;
        await delay(CHANGE_EVERY_MS, undefined, { signal }).catch(() => {});
      } catch (error) {
        // What the table has is unknown: everything is loaded again.
        this.#loaded = undefined;
        this.#failed(error);
        this.#wake();
        await delay(waitMs, undefined, { signal }).catch(() => {});
        waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
      }
    }
  }

  async #applyNow(): Promise<void> {
    const { table, observer } = this.#options;
    if (this.#mustOpen && this.#loaded !== undefined) await table.open();
    this.#mustOpen = false;
    if (!this.#isReady || this.#begin === undefined) return;
    const { homes, aliveSeconds } = this.#begin;
    if (this.#loaded !== JSON.stringify(homes)) {
      this.#isComplete = false;
      await table.load(homes);
      this.#loaded = JSON.stringify(homes);
      this.#mirror.reset();
      this.#cut.clear();
      await this.#readCounts();
    }
    do {
      const version = this.#version;
      const { add, remove } = this.#mirror.take(ELEMENTS_PER_TRANSACTION);
      this.#isComplete ||= !this.#mirror.differs;
      const renews = this.#isComplete && this.#mustRenew;
      if (renews) this.#mustRenew = false;
      // What is closed is in the kernel first.
      const cut = this.#mirror.differs ? [] : this.#cut.take(ELEMENTS_PER_TRANSACTION);
      await table.update({ add, remove, cut }, renews ? aliveSeconds / 2 : 0);
      if (!this.#mirror.differs) this.#appliedVersion = version;
    } while (this.#mirror.differs || !this.#cut.isEmpty);
    observer.applied(GATE_LISTS.reduce((sum, list) => sum + this.#mirror.count(list), 0));
  }

  async #report(signal: AbortSignal): Promise<void> {
    const machine = await readMachineName();
    for (;;) {
      await delay(REPORT_EVERY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const connection = this.#connection;
      if (this.#loaded === undefined || !this.#isReady || connection === undefined) continue;
      try {
        await this.#readCounts();
        await connection.report(
          {
            follower: this.#name,
            machine,
            router: hostname().slice(0, GATE_LIMITS.nameLength) || "router",
            version: this.#appliedVersion,
            countOnly: this.#options.table.countOnly,
            counters: this.#totals.totals,
          },
          signal,
        );
      } catch (error) {
        if (this.#connection === connection)
          this.#options.observer.notReported(describeFailure(error).message);
      }
    }
  }

  async #readCounts(): Promise<void> {
    const counts = await this.#options.table.readCounts();
    if (counts !== undefined) this.#totals.update(counts);
  }

  #failed(error: unknown): void {
    this.#options.observer.failed(describeFailure(error).message);
  }

  #sleep(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#woken = promise;
    this.#wake = resolve;
  }
}
