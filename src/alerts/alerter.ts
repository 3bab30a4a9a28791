/** Sends the warnings of the status page to all channels. */
import { type Alert, AlertState, type AlertTimes } from "./alert-state.ts";
import type { AlertChannel } from "./channel.ts";
import { type AlertOrigin, composeAlert } from "./message.ts";

/** The delay after a failure. It doubles with each further one, up to the limit. */
const RETRY_MS = 10_000;
const RETRY_LIMIT_MS = 600_000;

/** What the alerter reports to the operator. */
export interface AlertObserver {
  sent(channel: string, alert: Alert): void;
  /** Called at the first failure in a row. */
  failed(channel: string, reason: string): void;
}

/** The state of one channel, for the operator. */
export interface ChannelStatus {
  readonly name: AlertChannel["name"];
  readonly target: string;
  readonly sent: number;
  readonly failed: number;
  /** Messages that waited for `alerts.max_per_hour`. */
  readonly held: number;
  /** Why alerts cannot be sent now, or null. */
  readonly failure: string | null;
}

/** The warning of a channel that fails, or undefined. */
export function failureWarning({
  name,
  failure,
}: Pick<ChannelStatus, "name" | "failure">): string | undefined {
  if (failure === null) return undefined;
  return `Alerts cannot be sent by ${name}: ${failure}. "btrt alert --test" sends a test.`;
}

/** A channel with its state. The state outlives a reload that changes the channel. */
class Line {
  channel: AlertChannel;
  readonly state: AlertState;
  sent = 0;
  failed = 0;
  failure: string | null = null;
  isSending = false;
  nextMs = 0;
  failuresInTurn = 0;

  constructor(channel: AlertChannel, times: AlertTimes) {
    this.channel = channel;
    this.state = new AlertState(times);
  }
}

/** Sends alerts. Each channel is independent of the others. */
export class Alerter {
  readonly #origin: AlertOrigin;
  readonly #observer: AlertObserver;
  #lines: Line[] = [];

  constructor(origin: AlertOrigin, observer: AlertObserver) {
    this.#origin = origin;
    this.#observer = observer;
  }

  /** Uses these channels from now on. What was sent over a channel of the same name is not sent again. */
  adopt(channels: readonly AlertChannel[], times: AlertTimes): void {
    this.#lines = channels.map((channel) => {
      const line = this.#lines.find((each) => each.channel.name === channel.name) ?? new Line(channel, times);
      line.channel = channel;
      line.state.times = times;
      line.nextMs = 0;
      return line;
    });
  }

  get channels(): ChannelStatus[] {
    return this.#lines.map(({ channel, sent, failed, failure, state }) => {
      return { name: channel.name, target: channel.target, sent, failed, held: state.held, failure };
    });
  }

  /**
   * Sends what is due.
   * @param warnings the current warnings.
   * @param nowMs on a clock that never goes back.
   * @returns when all attempts have ended.
   */
  async check(warnings: readonly string[], nowMs: number): Promise<void> {
    await Promise.all(this.#lines.map((line) => this.#checkLine(line, warnings, nowMs)));
  }

  async #checkLine(line: Line, warnings: readonly string[], nowMs: number): Promise<void> {
    if (line.isSending) return;
    // A channel that works again need not say that it did not.
    const own = failureWarning({ name: line.channel.name, failure: line.failure });
    const others = warnings.filter((warning) => warning !== own);
    const alert = line.state.update(others, nowMs);
    if (alert === undefined || nowMs < line.nextMs) return;
    line.isSending = true;
    const { name } = line.channel;
    try {
      await line.channel.send(composeAlert(alert, this.#origin, new Date().toISOString()));
      line.state.sent(alert, nowMs);
      line.sent++;
      line.failure = null;
      line.failuresInTurn = 0;
      this.#observer.sent(name, alert);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      line.failed++;
      line.failure = reason;
      line.nextMs = nowMs + Math.min(RETRY_LIMIT_MS, RETRY_MS * 2 ** line.failuresInTurn++);
      if (line.failuresInTurn === 1) this.#observer.failed(name, reason);
    } finally {
      line.isSending = false;
    }
  }
}
