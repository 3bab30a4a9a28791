/** What the load generator is told, and what it answers. Plain data: both travel between processes. */
import type { Requests } from "./announces.ts";

/**
 * How announces are sent: in a closed loop, with the next ones when the last ones have been answered.
 * - udp: a few datagrams at a time from each source;
 * - close: one request on a connection, and then another connection;
 * - a number: so many requests at once on each connection, which is kept.
 */
export type Manner = "udp" | "close" | number;

/** A job for the load generator. */
export interface Job {
  /** Of the server, on 127.0.0.1, for this manner. */
  readonly port: number;
  readonly requests: Requests;
  readonly manner: Manner;
  /** How long requests are sent; null: until there are no more. */
  readonly seconds: number | null;
  /** Whether it sleeps while it has nothing to do, as is fitting where it shares its core with the server. */
  readonly sleeps: boolean;
}

/** What came of a job. */
export interface Outcome {
  readonly responses: number;
  readonly seconds: number;
  /** Mean length of the responses, with HTTP's heads. */
  readonly responseBytes: number;
  /** Milliseconds from sending requests (or opening the connection) to their response. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Datagrams that had to be sent again, as no answer came. */
  readonly resent: number;
}

/** The generator's answer: an outcome, or why there is none. */
export type Answer = { readonly outcome: Outcome } | { readonly error: string };
