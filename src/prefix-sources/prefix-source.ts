/** One prefix source: when it is read, what it contained, and why it failed. */
import { describeFailure } from "../platform/failure.ts";
import type { PrefixListing } from "./prefix-collector.ts";
import type { PrefixSourceSettings } from "./settings.ts";
import { type CopyChange, SourceCopy } from "./source-copy.ts";
import { SourceError } from "./source-error.ts";

/** The delay of the next attempt after a first failure, in seconds. It doubles up to the interval. */
const FIRST_RETRY = 60;

/** What a source needs. */
export interface PrefixSourceParts {
  /** See {@link readPrefixSource}. */
  readonly read: (settings: PrefixSourceSettings, stop: AbortSignal) => Promise<PrefixListing>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A source of one peer group. */
export class PrefixSource {
  readonly settings: PrefixSourceSettings;
  readonly copy: SourceCopy;
  /** The last good read, in milliseconds since 1970; 0 if there was none since the start. */
  readAtMs = 0;
  /** The prefixes of the last good read. */
  prefixes = 0;
  /** What the last good read left out. */
  notes: readonly string[] = [];
  /** Why the last read failed; null if it did not. */
  failure: string | null = null;
  /** All failed reads. */
  failures = 0;
  /** Whether the prefixes of the last good read wait for the operator. */
  isHeld = false;
  /** When the copy was written, in milliseconds since 1970; undefined if there is none. */
  copiedAtMs: number | undefined;
  readonly #parts: PrefixSourceParts;
  #failedInRow = 0;
  #dueMs = 0;
  #reading: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(settings: PrefixSourceSettings, parts: PrefixSourceParts) {
    this.settings = settings;
    this.copy = new SourceCopy(settings.copy, settings.group);
    this.#parts = parts;
  }

  /** Whether it is time to read it. */
  get isDue(): boolean {
    return this.#reading === undefined && this.#parts.now() >= this.#dueMs && !this.#stop.signal.aborted;
  }

  /** Whether it is being read. */
  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  /**
   * Reads it, and writes the copy. Never rejects.
   * @param done receives what became of the prefixes; undefined after a failure.
   */
  read(done: (change: CopyChange | undefined) => void): void {
    this.#reading = this.#read().then((change) => {
      this.#reading = undefined;
      if (!this.#stop.signal.aborted) done(change);
    });
  }

  /** Notices that the operator has replaced the copy. */
  async lookAtCopy(): Promise<void> {
    this.copiedAtMs = await this.copy.modified();
    this.isHeld = this.isHeld && (await this.copy.isHeld());
  }

  /** Ends a read in progress, and waits for its end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(): Promise<CopyChange | undefined> {
    const { settings } = this;
    try {
      const { prefixes, notes } = await this.#parts.read(settings, this.#stop.signal);
      const change = await this.copy.write(prefixes);
      this.readAtMs = this.#parts.now();
      this.prefixes = prefixes.length;
      this.notes = notes;
      this.isHeld = change === "held";
      this.failure = null;
      this.#failedInRow = 0;
      this.#dueMs = this.readAtMs + settings.interval * 1000;
      return change;
    } catch (error) {
      const { message } = describeFailure(error);
      this.failure = error instanceof SourceError ? message : `the copy cannot be written: ${message}`;
      this.failures++;
      const delay = Math.min(settings.interval, FIRST_RETRY * 2 ** Math.min(this.#failedInRow++, 20));
      this.#dueMs = this.#parts.now() + delay * 1000;
      return undefined;
    } finally {
      this.copiedAtMs = await this.copy.modified();
    }
  }
}
