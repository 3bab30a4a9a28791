/**
 * The contract between an engine, which moves bytes, and a service, which understands them.
 *
 * An engine owns sockets, buffers, timeouts and connection limits and knows nothing of HTTP or BitTorrent. Whenever
 * a connection has bytes that nobody has consumed yet, it points an {@link Exchange} at them and calls
 * {@link StreamService.serve}, synchronously, until the service consumes nothing more. A service that cannot answer yet
 * has the connection wait, and is asked again later ({@link Exchange.deferMs}).
 */

/** Bytes an engine must be ready to hold of one connection before the service can consume them. */
export const INPUT_BYTES = 34 * 1024;

/** Room for one reply that an engine guarantees at `output[outputStart]` when it calls the service. */
export const REPLY_BYTES = 128 * 1024;

/**
 * Asked of the kernel for what a connection has not taken of its replies (SO_SNDBUF), in bytes; Linux takes twice that.
 * Left to itself it takes up to 4 MB of kernel memory for each client that does not read.
 */
export const SEND_BUFFER_BYTES = 32 * 1024;

/**
 * Asked of the kernel for what a connection has sent and nobody has read yet (SO_RCVBUF), in bytes; Linux takes twice that,
 * up to 6 MB if left to itself. More than {@link INPUT_BYTES}.
 */
export const RECEIVE_BUFFER_BYTES = 64 * 1024;

/** Requests of a connection that are served in a row. What it has pipelined behind them waits until others had their turn. */
export const REQUESTS_AT_ONCE = 16;

/**
 * One call of the service: what came in, from whom, where the reply goes, and what became of it. An engine has one
 * per thread and uses it again for every call; nothing may keep a reference to what is in it.
 */
export class Exchange {
  /** In: holds the bytes received and not yet consumed at `[start, end)`. Never empty when the service is called. */
  input: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  /**
   * In and out: the other end's address, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. A service that
   * learns better (PROXY protocol) overwrites these bytes in place, and the engine keeps them for the rest of the
   * connection.
   */
  remote: Uint8Array = new Uint8Array(16);

  /** In and out: a number the service keeps with the connection; 0 on a new one. The engine does not interpret it. */
  state = 0;

  /** In: where the reply is written, from `outputStart` on; at least {@link REPLY_BYTES} long from there. */
  output: Uint8Array = new Uint8Array(0);
  outputStart = 0;

  /**
   * Out, 0 before each call: bytes of the input that are done with. 0 means that the request is not complete: call
   * again with more. A connection whose request is not complete with {@link INPUT_BYTES} is closed.
   */
  consumed = 0;

  /**
   * Out, false before each call: close the connection once what was written has been sent; what else it sent is not
   * to be served. With all input consumed that is at once. Input left unconsumed (the body of a refused request)
   * says that more may be on its way, and closing on it would reset the connection before the reply is read: then
   * the engine ends its own side, drops what still comes, and leaves closing to the other end, for at most
   * {@link EngineLimits.requestTimeoutMs}.
   */
  close = false;

  /**
   * In: names this connection for as long as it waits, should the service defer now ({@link Engine.resume}). Never 0,
   * and never given to two waits.
   */
  token = 0;

  /** In: whether the connection may wait. If not, the service has to answer. */
  mayDefer = false;

  /**
   * Out, 0 before each call: the request is complete, but its answer is not known yet. With nothing consumed and
   * nothing written, the connection waits for at most so many milliseconds, or until {@link Engine.resume}; then the
   * same request is served once more. Meanwhile nothing more of it is served, and a bounded amount is read. It does not
   * wait at all for longer than an earlier reply takes to be sent, if the kernel does not take that at once.
   */
  deferMs = 0;

  /** In: whether this request has waited. Then {@link mayDefer} is false. */
  resumed = false;
}

/** Serves byte streams. Implementations are synchronous, never throw, and allocate nothing per call. */
export interface StreamService {
  /**
   * Serves at most one request from the front of the input.
   * @returns how many bytes of reply were written at `output[outputStart]`. With 0 and `close` the connection is
   *   closed without a reply; with 0 and `consumed` > 0 the bytes were taken without one.
   */
  serve(exchange: Exchange): number;
  /**
   * Whether connections from an address are those of a proxy, which speaks for many clients: they are not limited by
   * {@link EngineLimits.maxPerAddress}. Asked once for each connection.
   * @param remote 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
   */
  isProxy(remote: Uint8Array): boolean;
}

/** Longest datagram that is served. A longer one is dropped and counted: it is no request of anybody's. */
export const DATAGRAM_BYTES = 2048;

/** Room for one datagram's reply that an engine guarantees at `output[outputStart]`. */
export const DATAGRAM_REPLY_BYTES = 2048;

/**
 * One call of a {@link DatagramService}. As with {@link Exchange}, an engine has one per thread and nothing may keep a
 * reference to what is in it.
 */
export class DatagramExchange {
  /** In: the datagram is `input[start, end)`. It may be empty. */
  input: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  /** In: the sender's address, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`, and its port. The reply goes there. */
  remote: Uint8Array = new Uint8Array(16);
  remotePort = 0;

  /** In: where the reply is written, from `outputStart` on; at least {@link DATAGRAM_REPLY_BYTES} long from there. */
  output: Uint8Array = new Uint8Array(0);
  outputStart = 0;
}

/** Serves datagrams. Implementations are synchronous, never throw, and allocate nothing per call. */
export interface DatagramService {
  /** @returns how many bytes of reply were written at `output[outputStart]`; 0 for no reply. */
  serve(exchange: DatagramExchange): number;
}

/** What an engine is for: who serves the connections, who the datagrams. */
export interface Services {
  readonly stream: StreamService;
  readonly datagram: DatagramService;
}

/** What an engine does to connections that take too long or are too many. Durations in milliseconds. */
export interface EngineLimits {
  /**
   * Open connections per engine. One more takes the place of one that is idle, or of one whose request or reply waits for
   * the other end; where there is none, it is closed as soon as it is accepted, and counted (crowd/crowd.ts).
   */
  readonly maxConnections: number;
  /**
   * Of them, those of one address, or one /56 of IPv6. One more takes the place of an idle one of that address, or is
   * closed as soon as it is accepted, and counted.
   */
  readonly maxPerAddress: number;
  /** A connection with no request under way and nothing to send is closed after this. */
  readonly idleTimeoutMs: number;
  /** From a request's first byte to its last, and from a reply to its having been sent: closed after this. */
  readonly requestTimeoutMs: number;
  /** Connections per engine that may wait for their answer; beyond them {@link Exchange.mayDefer} is false. */
  readonly maxDeferred: number;
}

/** How long an engine that stops waits for the first request of a connection, in milliseconds. */
export const FIRST_REQUEST_MS = 500;

/** Called by an engine for what operators need to see. Implementations count; they must not throw. */
export interface EngineCounters {
  connectionAccepted(): void;
  /** One too many, or gone before it was accepted. Neither accepted nor closed. */
  connectionRefused(): void;
  /** One too many of its address ({@link EngineLimits.maxPerAddress}). Neither accepted nor closed. */
  connectionOverShare(): void;
  /** A connection has made room for others; `connectionClosed` follows. */
  connectionDisplaced(): void;
  /**
   * Accepting failed, or would: there are no descriptors, or there is no memory. Not one for each connection: the kernel
   * has some wait, and Node closes some without a word.
   */
  acceptFailed(): void;
  /** A limit was exceeded; `connectionClosed` follows. */
  connectionTimedOut(): void;
  /** An accepted connection is over, for whatever reason: accepted less closed are open. */
  connectionClosed(): void;
  /**
   * A datagram was longer than {@link DATAGRAM_BYTES} or came from port 0, receiving one failed, or its reply found no
   * room in the kernel.
   */
  datagramDropped(): void;
}

/**
 * An address to listen on. `host` is an IP literal without brackets; port 0 takes any free one. `::` takes IPv4 too,
 * unless `0.0.0.0` with the same port is asked for as well, and is `0.0.0.0` where the machine has no IPv6.
 */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /**
   * A socket that is bound there already, and listens if it is a stream's: the engine serves it instead of opening one,
   * and closes this descriptor. Other engines and processes may have others of the same socket.
   */
  readonly fd?: number | undefined;
}

/** Where an engine listens. */
export interface ListenAddresses {
  /** For TCP connections. */
  readonly streams: readonly ListenAddress[];
  /** For UDP datagrams. */
  readonly datagrams: readonly ListenAddress[];
}

/** A running engine. */
export interface Engine {
  /**
   * A descriptor of eventfd(2): whoever adds to it lets the thread's event loop go round at once. -1 where the event
   * loop needs nobody to.
   */
  readonly wakeDescriptor: number;
  /**
   * Starts to listen and serve. The kernel may hold 4096 connections before they are accepted, or as many as
   * `net.core.somaxconn` allows; and one that brings nothing for a second or two.
   * @param shared whether other engines of this process listen on the same addresses (SO_REUSEPORT): the kernel then
   *   deals connections and senders out among them. It would let a stranger in as well: whoever starts the first engine
   *   sees before that nobody has the addresses (node/claim.ts).
   * @returns the addresses in use, in the order asked for, with the real port where 0 was asked for.
   * @throws Error with a `code` such as EADDRINUSE or EACCES and the address in its message; nothing is left
   *   listening then.
   */
  listen(addresses: ListenAddresses, shared: boolean): Promise<ListenAddresses>;
  /** Ends the wait of a connection: its request is served again, before this returns. A token of no wait is ignored. */
  resume(token: number): void;
  /**
   * Stops accepting at once, answers what is in flight (at once, whoever waits), closes idle connections, new ones after
   * {@link FIRST_REQUEST_MS}, and what is still open after `graceMs` as well. Ends when all are closed; a second call
   * waits for the first. An engine does not start again.
   * Datagrams that have arrived are answered; who goes on sending is not waited for.
   */
  stop(graceMs: number): Promise<void>;
}
