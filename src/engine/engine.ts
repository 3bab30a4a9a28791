/**
 * The contract between an engine, which moves bytes, and a service, which interprets them.
 *
 * An engine owns sockets, buffers, timeouts and connection limits. It knows nothing of HTTP or BitTorrent. When a
 * connection has unconsumed input, the engine points an {@link Exchange} at it and calls {@link StreamService.serve}
 * synchronously, until the service consumes nothing more. A service that cannot reply yet defers the request, and the
 * engine serves it again later ({@link Exchange.deferMs}).
 */

/** Input of one connection that an engine must be able to buffer before the service consumes it, in bytes. */
export const INPUT_BYTES = 34 * 1024;

/** Free bytes for one reply that an engine guarantees at `output[outputStart]` when it calls the service. */
export const REPLY_BYTES = 128 * 1024;

/**
 * Send buffer of a connection (SO_SNDBUF), in bytes; Linux allocates twice that. Without it, the kernel buffers up to 4
 * MB for each client that does not read.
 */
export const SEND_BUFFER_BYTES = 32 * 1024;

/**
 * Receive buffer of a connection (SO_RCVBUF), in bytes; Linux allocates twice that, and up to 6 MB without it. More
 * than {@link INPUT_BYTES}.
 */
export const RECEIVE_BUFFER_BYTES = 64 * 1024;

/**
 * Requests of a connection that are served in a row. Requests pipelined behind them wait until other connections had a
 * turn.
 */
export const REQUESTS_AT_ONCE = 16;

/**
 * One call of the service: its input, the remote address, the output buffer, and the result. An engine has one per
 * thread and reuses it for every call; nothing may keep a reference to its contents.
 */
export class Exchange {
  /** In: the bytes received and not yet consumed, at `[start, end)`. Never empty when the service is called. */
  input: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  /**
   * In and out: the remote address, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. A service that learns the
   * client's address from a PROXY protocol header overwrites these bytes in place. The engine keeps them for the rest
   * of the connection.
   */
  remote: Uint8Array = new Uint8Array(16);

  /** In and out: a number the service keeps with the connection; 0 on a new one. The engine does not interpret it. */
  state = 0;

  /** In: where the reply is written, from `outputStart` on; at least {@link REPLY_BYTES} long from there. */
  output: Uint8Array = new Uint8Array(0);
  outputStart = 0;

  /**
   * Out, 0 before each call: input bytes that the service has consumed. 0 means that the request is incomplete: the
   * engine calls again with more input. A connection whose request is still incomplete with {@link INPUT_BYTES} of
   * input is closed.
   */
  consumed = 0;

  /**
   * Out, false before each call: close the connection once the reply has been sent, and serve no more of its input. If
   * all input is consumed, the engine closes at once. Unconsumed input (the body of a refused request) means that more
   * may arrive, and closing then would reset the connection before the client reads the reply. In that case the engine
   * shuts down its sending side, discards further input, and waits for the client to close, for at most {@link
   * EngineLimits.requestTimeoutMs}.
   */
  close = false;

  /**
   * In: identifies this request while it is deferred ({@link Engine.resume}). Never 0, and never used for two
   * deferrals.
   */
  token = 0;

  /** In: whether the service may defer this request. If false, the service has to reply. */
  mayDefer = false;

  /**
   * Out, 0 before each call: the request is complete, but the reply is not available yet. With nothing consumed and
   * nothing written, the engine serves the same request once more after at most this many milliseconds, or when {@link
   * Engine.resume} is called. Until then it serves nothing else of this connection, and reads a bounded amount. If the
   * kernel cannot take an earlier reply at once, the request is served again as soon as that reply has been sent.
   */
  deferMs = 0;

  /** In: whether this request was deferred before. Then {@link mayDefer} is false. */
  resumed = false;

  /**
   * In: what {@link Engine.resume} was called with for this request; undefined for every other request. The engine does
   * not interpret it.
   */
  reply: unknown = undefined;
}

/** Serves byte streams. Implementations are synchronous, never throw, and allocate nothing per call. */
export interface StreamService {
  /**
   * Begins a batch: the engine has received input of several connections. It then calls {@link expect} for the input of each,
   * and serves them. What was expected before is void. An engine that receives from one connection at a time never calls it.
   */
  beginBatch(): void;
  /**
   * Tells the service of input, `[start, end)`, that the engine is going to serve, so that the service can prepare for all of
   * a batch. The engine serves the input in the same order, except where a connection has ended or waits, and does not change
   * it before. The batch ends when the next one begins.
   */
  expect(input: Uint8Array, start: number, end: number): void;
  /**
   * Serves at most one request from the front of the input.
   * @returns how many bytes of reply were written at `output[outputStart]`. With 0 and `close` the connection is
   *   closed without a reply; with 0 and `consumed` > 0 the bytes were taken without one.
   */
  serve(exchange: Exchange): number;
  /**
   * Whether connections from an address are those of a proxy, which forwards requests of many clients. They are exempt
   * from {@link EngineLimits.maxPerAddress}. Called once for each connection.
   * @param remote 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
   */
  isProxy(remote: Uint8Array): boolean;
}

/** Longest datagram that is served. A longer one is not a valid request: it is dropped and counted. */
export const DATAGRAM_BYTES = 2048;

/** Room for one datagram's reply that an engine guarantees at `output[outputStart]`. */
export const DATAGRAM_REPLY_BYTES = 2048;

/**
 * One call of a {@link DatagramService}. An engine has one per thread and reuses it for every call; nothing may keep a
 * reference to its contents.
 */
export class DatagramExchange {
  /** In: the datagram is `input[start, end)`. It may be empty. A DataView reads a whole word with one instruction. */
  input: DataView = new DataView(new ArrayBuffer(0));
  start = 0;
  end = 0;

  /**
   * In: the sender's address, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`, and its port. The reply is sent
   * there.
   */
  readonly remote: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(16));
  remotePort = 0;

  /** In: where the reply is written, from `outputStart` on; at least {@link DATAGRAM_REPLY_BYTES} long from there. */
  output: DataView = new DataView(new ArrayBuffer(0));
  outputStart = 0;
}

/** Serves datagrams. Implementations are synchronous, never throw, and allocate nothing per call. */
export interface DatagramService {
  /**
   * Tells the service of a datagram, `input[start, end)`, that it is going to serve, so that it can prepare for all datagrams
   * of a batch. An engine that receives several at once calls it for each of them, and then serves them in the same order,
   * except for those that it drops. An engine that receives one at a time never calls it.
   */
  expect(input: DataView, start: number, end: number): void;
  /** @returns how many bytes of reply were written at `output[outputStart]`; 0 for no reply. */
  serve(exchange: DatagramExchange): number;
}

/** The services that an engine calls: one for TCP connections, one for UDP datagrams. */
export interface Services {
  readonly stream: StreamService;
  readonly datagram: DatagramService;
}

/** An engine's limits on connections. Durations in milliseconds. */
export interface EngineLimits {
  /**
   * Open connections per engine. When it is reached, a new connection displaces an idle one, or else one whose request
   * or reply is stalled by the client. If there is neither, the new one is closed when accepted, and counted
   * (connection-limits/connection-limiter.ts).
   */
  readonly maxConnections: number;
  /**
   * Open connections per address, or per /56 of IPv6. When it is reached, a new connection displaces an idle one of
   * that address. If there is none, the new one is closed when accepted, and counted.
   */
  readonly maxPerAddress: number;
  /** An idle connection, with no request or reply in progress, is closed after this. */
  readonly idleTimeoutMs: number;
  /**
   * Time from a request's first byte to its last, and from a reply until it is sent. After it the connection is closed.
   */
  readonly requestTimeoutMs: number;
  /** Deferred requests per engine. When it is reached, {@link Exchange.mayDefer} is false. */
  readonly maxDeferred: number;
}

/** How long a stopping engine waits for the first request of a connection, in milliseconds. */
export const FIRST_REQUEST_MS = 500;

/** Counters that an engine updates, for operators. Implementations must not throw. */
export interface EngineCounters {
  connectionAccepted(): void;
  /**
   * Connection limit reached, or the client had disconnected before the accept. Counts as neither accepted nor closed.
   */
  connectionRefused(): void;
  /** Limit per address reached ({@link EngineLimits.maxPerAddress}). Counts as neither accepted nor closed. */
  connectionOverShare(): void;
  /** A connection was closed to make room for another; `connectionClosed` follows. */
  connectionDisplaced(): void;
  /**
   * Accepting failed, or would fail, because descriptors or memory are exhausted. Not one per connection: the kernel
   * keeps some in its queue, and Node closes some without reporting it.
   */
  acceptFailed(): void;
  /** A timeout expired; `connectionClosed` follows. */
  connectionTimedOut(): void;
  /** An accepted connection has ended, for any reason: accepted minus closed are open. */
  connectionClosed(): void;
  /**
   * A datagram was longer than {@link DATAGRAM_BYTES} or came from port 0, or receiving it failed, or the kernel had no
   * buffer space for its reply.
   */
  datagramDropped(): void;
}

/**
 * An address to listen on. `host` is an IP literal without brackets; port 0 selects any free port. `::` accepts IPv4
 * too, unless `0.0.0.0` with the same port is also in the list. Where the machine has no IPv6, `::` becomes `0.0.0.0`.
 */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /**
   * An inherited socket that is already bound, and listening if it is TCP. The engine serves it instead of opening one,
   * and closes this descriptor. Other engines and processes may hold duplicates of it.
   */
  readonly fd?: number | undefined;
}

/** The addresses that an engine listens on. */
export interface ListenAddresses {
  /** For TCP connections. */
  readonly streams: readonly ListenAddress[];
  /** For UDP datagrams. */
  readonly datagrams: readonly ListenAddress[];
}

/** A running engine. */
export interface Engine {
  /**
   * An eventfd(2) descriptor. Writing to it makes the thread's event loop run at once. -1 if the engine never blocks
   * its event loop.
   */
  readonly wakeDescriptor: number;
  /**
   * Starts to listen and serve. The kernel queues up to 4096 connections before they are accepted, or
   * `net.core.somaxconn` if that is less. It also holds back a connection that sends nothing, for a second or two.
   * @param shared whether other engines of this process listen on the same addresses (SO_REUSEPORT): the kernel then
   *   distributes connections and senders among them. SO_REUSEPORT also lets other processes of the same user bind, so
   *   the caller first checks that the addresses are free (node/address-availability.ts).
   * @returns the bound addresses, in the order of the request, with the real port in place of 0.
   * @throws Error with a `code` such as EADDRINUSE or EACCES and the address in its message; then all sockets are
   *   closed.
   */
  listen(addresses: ListenAddresses, shared: boolean): Promise<ListenAddresses>;
  /**
   * Serves a deferred request again, before this returns. Unknown tokens are ignored.
   * @param reply what the request was deferred for, if it is there: the service finds it in {@link Exchange.reply}.
   */
  resume(token: number, reply?: unknown): void;
  /**
   * Stops accepting at once, replies to requests in progress (deferred ones at once), and closes idle connections.
   * Connections without a first request are closed after {@link FIRST_REQUEST_MS}, all others after `graceMs`.
   * Datagrams that have arrived are answered; later ones are not.
   * @returns when all connections are closed; a second call waits for the first. An engine cannot be started again.
   */
  stop(graceMs: number): Promise<void>;
}
