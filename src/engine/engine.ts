/**
 * The contract between an engine, which moves bytes, and a service, which understands them.
 *
 * An engine owns sockets, buffers, timeouts and connection limits and knows nothing of HTTP or BitTorrent. Whenever
 * a connection has bytes that nobody has consumed yet, it points an {@link Exchange} at them and calls
 * {@link StreamService.serve}, synchronously, until the service consumes nothing more.
 */

/** Bytes an engine must be ready to hold of one connection before the service can consume them. */
export const INPUT_BYTES = 34 * 1024;

/** Room for one reply that an engine guarantees at `output[outputStart]` when it calls the service. */
export const REPLY_BYTES = 128 * 1024;

/**
 * One call of the service: what came in, from whom, where the reply goes, and what became of it. An engine has one
 * per thread and uses it again for every call; nothing may keep a reference to what is in it.
 */
export class Exchange {
  /** In: holds the bytes received and not yet consumed at `[start, end)`. Never empty when the service is called. */
  input = new Uint8Array(0);
  start = 0;
  end = 0;

  /**
   * In and out: the other end's address, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. A service that
   * learns better (PROXY protocol) overwrites it, and the engine keeps it for the rest of the connection.
   */
  remote = new Uint8Array(16);

  /** In and out: a number the service keeps with the connection; 0 on a new one. The engine does not interpret it. */
  state = 0;

  /** In: where the reply is written, from `outputStart` on; at least {@link REPLY_BYTES} long from there. */
  output = new Uint8Array(0);
  outputStart = 0;

  /** Out: bytes of the input that are done with. 0 means that the request is not complete: call again with more. */
  consumed = 0;

  /** Out: close the connection once what was written has been sent; what else it sent is not to be served. */
  close = false;
}

/** Serves byte streams. Implementations are synchronous, never throw, and allocate nothing per call. */
export interface StreamService {
  /**
   * Serves at most one request from the front of the input.
   * @returns how many bytes of reply were written at `output[outputStart]`. With 0 and `close` the connection is
   *   closed without a reply; with 0 and `consumed` > 0 the bytes were taken without one.
   */
  serve(exchange: Exchange): number;
}

/** What an engine does to connections that take too long or are too many. Durations in milliseconds. */
export interface EngineLimits {
  /** Open connections per engine; one more is closed as soon as it is accepted, and counted. */
  readonly maxConnections: number;
  /** A connection with no request under way and nothing to send is closed after this. */
  readonly idleTimeoutMs: number;
  /** From a request's first byte to its last, and from a reply to its having been sent: closed after this. */
  readonly requestTimeoutMs: number;
}

/** Called by an engine for what operators need to see. Implementations count; they must not throw. */
export interface EngineCounters {
  connectionAccepted(): void;
  connectionRefused(): void;
  connectionTimedOut(): void;
  connectionClosed(): void;
}

/** An address to listen on. `host` is an IP literal without brackets; port 0 takes any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A running engine. */
export interface Engine {
  /**
   * Starts to listen and serve.
   * @returns the addresses in use, with the real port where 0 was asked for.
   * @throws Error with a `code` such as EADDRINUSE or EACCES; nothing is left listening then.
   */
  listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]>;
  /**
   * Stops accepting at once, answers what is in flight, closes idle connections, and what is still open after
   * `graceMs` as well.
   */
  stop(graceMs: number): Promise<void>;
}
