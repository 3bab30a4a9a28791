/** The lists of the gate, as followers get them: all elements first, then what changes. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { GateTables } from "./gate-tables.ts";
import {
  ALIVE_EVERY_MS,
  changeEvents,
  ELEMENTS_PER_EVENT,
  encodeGateEvent,
  GATE_FORMAT,
  GATE_LISTS,
  type GateHome,
} from "./protocol.ts";

/** Seconds after the last event until a router lets everything through. */
const ALIVE_SECONDS = 20;

/**
 * Milliseconds between two changes that are sent; those that come between go together. A closing has to be in force before
 * the client has connected to peers outside, 100 to 200 ms after its announce.
 */
const CHANGE_MS = 5;

/** Followers at the same time. */
export const FOLLOWERS_MAX = 20;

/** Characters that wait for one follower. The text of an event is shared by all. */
const BACKLOG_MAX = 64 << 20;

/** A follower's events that are not sent yet. */
class Backlog {
  events: string[] = [];
  length = 0;
  isCut = false;
  #wake: () => void = () => {};

  /** @returns false if there is no room: the stream ends. */
  push(event: string): boolean {
    if (this.isCut) return true;
    this.events.push(event);
    this.length += event.length;
    if (this.length > BACKLOG_MAX) this.cut();
    this.#wake();
    return !this.isCut;
  }

  /** Ends the stream. */
  cut(): void {
    this.isCut = true;
    this.events = [];
    this.#wake();
  }

  take(): string[] {
    const { events } = this;
    this.events = [];
    this.length = 0;
    return events;
  }

  /** Waits for an event, the end, or {@link ALIVE_EVERY_MS}. */
  async wait(): Promise<void> {
    if (this.events.length > 0 || this.isCut) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ALIVE_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Publishes the tables of one gate. */
export class GateLists {
  version = 0;
  /** Followers that were cut off as they did not read. */
  cutOff = 0;
  readonly #tracker: string;
  readonly #now: () => number;
  readonly #backlogs = new Set<Backlog>();
  #tables: GateTables;
  #homes: readonly GateHome[];
  #dueAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param tracker names this start of the tracker. @param now milliseconds. */
  constructor(tracker: string, tables: GateTables, homes: readonly GateHome[], now: () => number) {
    this.#tracker = tracker;
    this.#tables = tables;
    this.#homes = homes;
    this.#now = now;
  }

  /** Followers that are connected. */
  get followers(): number {
    return this.#backlogs.size;
  }

  get homes(): readonly GateHome[] {
    return this.#homes;
  }

  /** Uses other tables from now on. The streams end, and their followers connect again. */
  replace(tables: GateTables, homes: readonly GateHome[]): void {
    this.#tables = tables;
    this.#homes = homes;
    this.version++;
    this.end();
  }

  /** Ends all streams. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const backlog of this.#backlogs) backlog.cut();
  }

  /** Sends what has changed: at once, if the last change is a while ago. */
  publish(): void {
    if (!this.#tables.hasChanges || this.#timer !== undefined) return;
    const wait = this.#dueAt - this.#now();
    if (wait > 0) this.#timer = setTimeout(() => this.#publishNow(), wait);
    else this.#publishNow();
  }

  #publishNow(): void {
    this.#timer = undefined;
    this.#dueAt = this.#now() + CHANGE_MS;
    const { add, remove, cut } = this.#tables.takeChanges(this.#backlogs.size > 0);
    if (this.#backlogs.size === 0) {
      this.version++;
      return;
    }
    const changes = [...changeEvents(this.version + 1, add, remove, cut)];
    if (changes.length === 0) return;
    this.version++;
    for (const change of changes) {
      const event = encodeGateEvent(change);
      for (const backlog of this.#backlogs) if (!backlog.push(event)) this.cutOff++;
    }
  }

  /** The events of one follower, as text, until it or the tracker ends them. */
  async *follow(): AsyncGenerator<string> {
    const backlog = new Backlog();
    const { version } = this;
    const tables = this.#tables;
    this.#backlogs.add(backlog);
    try {
      yield encodeGateEvent({
        event: "begin",
        format: GATE_FORMAT,
        version,
        tracker: this.#tracker,
        aliveSeconds: ALIVE_SECONDS,
        homes: this.#homes,
      });
      for (const list of GATE_LISTS)
        for (const elements of tables.texts.sent(list, ELEMENTS_PER_EVENT)) {
          yield encodeGateEvent({ event: "change", version, add: { [list]: elements }, remove: {} });
          await nextTurn();
          if (backlog.isCut) return;
        }
      yield encodeGateEvent({ event: "ready", version });
      while (!backlog.isCut) {
        const events = backlog.take();
        yield events.length > 0
          ? events.join("")
          : encodeGateEvent({ event: "alive", version: this.version });
        await backlog.wait();
      }
    } finally {
      this.#backlogs.delete(backlog);
    }
  }
}
