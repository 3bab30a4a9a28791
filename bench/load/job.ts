/** What the load generator is told, and what it answers. Plain data: both travel between processes. */
import type { Requests } from "./requests.ts";

/** A closed loop: each connection sends its next requests when the last ones have been answered. */
export interface Job {
  /** Of the server, on 127.0.0.1. */
  readonly port: number;
  readonly requests: Requests;
  readonly connections: number;
  /** Requests sent at once on a connection; "close" is one request, and then another connection. */
  readonly pipelined: number | "close";
  /** How long requests are sent; null: until there are no more. */
  readonly seconds: number | null;
}

/** What came of a job. */
export interface Outcome {
  readonly responses: number;
  readonly seconds: number;
  /** Mean length of the responses' bodies. */
  readonly bodyBytes: number;
  /** Milliseconds from sending requests (or opening the connection) to their response. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** The generator's answer: an outcome, or why there is none. */
export type Answer = { readonly outcome: Outcome } | { readonly error: string };
