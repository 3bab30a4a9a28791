/** The jobs of the load generator, and its answers. Plain data: both are sent between processes. */
import type { Requests } from "./announces.ts";

/**
 * How announces are sent. It is a closed loop: the next ones are sent when the last ones have been answered.
 * - udp: a few datagrams at a time from each source;
 * - close: one request on each connection;
 * - a number: this many requests at once on each connection, which is kept open.
 */
export type Manner = "udp" | "close" | number;

/** A job for the load generator. */
export interface Job {
  /** The server's port on 127.0.0.1. */
  readonly port: number;
  readonly requests: Requests;
  readonly manner: Manner;
  /** Duration of the job; null: until there are no more requests. */
  readonly seconds: number | null;
  /**
   * Manner `close` only: connections that are opened per second, at equal intervals, instead of a closed loop. If the
   * server or the generator is slower than that, fewer are opened.
   */
  readonly perSecond?: number;
  /** Over HTTP: requests offer no compression, as the generator cannot read what a server would compress. */
  readonly plain?: boolean;
  /** Whether the generator sleeps while it has nothing to do. Needed if it shares its core with the server. */
  readonly sleeps: boolean;
}

/** The outcome of a job. */
export interface Outcome {
  readonly responses: number;
  readonly seconds: number;
  /** Mean length of the responses, with HTTP heads. */
  readonly responseBytes: number;
  /** Milliseconds from sending requests (or opening the connection) to the response. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Datagrams that were sent again, because no reply came. */
  readonly resent: number;
}

/** The generator's answer: an outcome, or the reason why there is none. */
export type Answer = { readonly outcome: Outcome } | { readonly error: string };
