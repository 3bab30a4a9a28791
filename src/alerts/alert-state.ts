/** Decides when which warnings are sent, for one channel. */

/** Warnings that are remembered at a time. More are not sent. */
const WARNINGS_LIMIT = 200;
const HOUR_MS = 3_600_000;

/** When warnings are sent. Times in milliseconds. */
export interface AlertTimes {
  /** A warning is sent when it has lasted for so long, and its end when it has been gone for so long. */
  readonly afterMs: number;
  /** A warning that lasts, or comes back, is sent again after so long. */
  readonly repeatMs: number;
  /** Messages per hour. What is beyond waits, and is sent together. */
  readonly maxPerHour: number;
}

/** A message that is due. */
export interface Alert {
  /** Warnings that are new, or repeated. */
  readonly raised: readonly string[];
  /** Warnings that were sent, and are over. */
  readonly cleared: readonly string[];
  /** Other warnings that are still there. */
  readonly remaining: readonly string[];
}

interface Known {
  text: string;
  /** Since when it is there, or gone. */
  sinceMs: number;
  isThere: boolean;
  /** When it was last sent. */
  sentMs: number | undefined;
  /** Whether the receiver believes that it is there. */
  isSent: boolean;
}

/** The warnings of one channel. A message stays due until {@link sent} is called. */
export class AlertState {
  /** How often a message had to wait for the limit per hour. */
  held = 0;
  times: AlertTimes;
  readonly #known = new Map<string, Known>();
  #messagesMs: number[] = [];
  #isHeld = false;

  constructor(times: AlertTimes) {
    this.times = times;
  }

  /** Takes the current warnings. @returns the message that is due, or undefined. */
  update(warnings: readonly string[], nowMs: number): Alert | undefined {
    this.#observe(warnings, nowMs);
    const known = [...this.#known.values()];
    const raised = known.filter((each) => this.#isRaised(each, nowMs));
    const cleared = known.filter((each) => this.#isCleared(each, nowMs));
    if (raised.length + cleared.length === 0) return undefined;
    this.#messagesMs = this.#messagesMs.filter((sentMs) => nowMs - sentMs < HOUR_MS);
    if (this.#messagesMs.length >= this.times.maxPerHour) {
      if (!this.#isHeld) this.held++;
      this.#isHeld = true;
      return undefined;
    }
    const remaining = known.filter((each) => each.isThere && !raised.includes(each));
    const texts = (which: readonly Known[]) => which.map(({ text }) => text);
    return { raised: texts(raised), cleared: texts(cleared), remaining: texts(remaining) };
  }

  /** Remembers that a message was sent. */
  sent({ raised, cleared }: Alert, nowMs: number): void {
    this.#isHeld = false;
    this.#messagesMs.push(nowMs);
    for (const known of this.#known.values()) {
      if (raised.includes(known.text)) Object.assign(known, { sentMs: nowMs, isSent: true });
      if (cleared.includes(known.text)) known.isSent = false;
    }
  }

  #observe(warnings: readonly string[], nowMs: number): void {
    const texts = new Map(warnings.map((text) => [keyOf(text), text]));
    for (const [key, known] of this.#known) {
      const text = texts.get(key);
      if ((text !== undefined) !== known.isThere)
        Object.assign(known, { isThere: !known.isThere, sinceMs: nowMs });
      if (text !== undefined) known.text = text;
      else if (!known.isSent && !this.#isRecent(known, nowMs)) this.#known.delete(key);
    }
    for (const [key, text] of texts) {
      if (this.#known.has(key) || this.#known.size >= WARNINGS_LIMIT) continue;
      this.#known.set(key, { text, sinceMs: nowMs, isThere: true, sentMs: undefined, isSent: false });
    }
  }

  #isRaised(known: Known, nowMs: number): boolean {
    return known.isThere && nowMs - known.sinceMs >= this.times.afterMs && !this.#isRecent(known, nowMs);
  }

  #isCleared({ isThere, isSent, sinceMs }: Known, nowMs: number): boolean {
    return !isThere && isSent && nowMs - sinceMs >= this.times.afterMs;
  }

  #isRecent({ sentMs }: Known, nowMs: number): boolean {
    return sentMs !== undefined && nowMs - sentMs < this.times.repeatMs;
  }
}

/** A warning whose numbers or times change is the same warning. */
function keyOf(text: string): string {
  return text.replace(/\d+/g, "0");
}
