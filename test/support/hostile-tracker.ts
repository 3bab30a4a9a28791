/** A tracker that misbehaves over HTTP, in a different way under each path; and one over UDP. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";

/** An answer with two IPv4 peers and one IPv6 peer. */
export const GOOD_REPLY = Buffer.from(
  "d8:completei2e10:incompletei3e8:intervali1800e12:min intervali900e" +
    "5:peers12:\xc6\x33\x64\x01\x1a\xe1\xc6\x33\x64\x02\x1a\xe2" +
    "6:peers618: \x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x1a\xe310:tracker id3:a\0be",
  "latin1",
);

const MIB = 0x100000;

/** Writes a reply, and closes. */
function reply(socket: Socket, status: string, headers: readonly string[], body: Uint8Array | string): void {
  const bytes = Buffer.from(body);
  const head = [`HTTP/1.1 ${status}`, `Content-Length: ${bytes.length}`, "Connection: close", ...headers];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  socket.end(bytes);
}

/** Writes the same bytes repeatedly, as fast as they are accepted, until the other end closes. */
function flood(socket: Socket, bytes: Uint8Array | string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("drain", more);
  more();
}

const bencoded = (socket: Socket, text: string, status = "200 OK") => reply(socket, status, [], text);
const encoded = (socket: Socket, encoding: string, body: Uint8Array) =>
  reply(socket, "200 OK", [`Content-Encoding: ${encoding}`], body);
/** Redirects to another behaviour, with the same query. */
const redirectTo = (location: string) => (socket: Socket, path: string) =>
  redirect(socket, location + (/\?.*/.exec(path)?.[0] ?? ""));
const redirect = (socket: Socket, location: string) =>
  reply(socket, "302 Found", [`Location: ${location}`], "");

const bombs = new Map<unknown, Buffer>();

/** A small body that expands to a large one; made once. */
function bomb(compress: (bytes: Uint8Array) => Buffer): Buffer {
  const made = bombs.get(compress) ?? compress(Buffer.alloc(64 * MIB));
  bombs.set(compress, made);
  return made;
}

type Behaviour = (socket: Socket, path: string) => void;

/** The behaviour for a request for `/NAME`. */
export const BEHAVIOURS = {
  good: (socket) => reply(socket, "200 OK", [], GOOD_REPLY),
  "kept open": (socket) =>
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Length: ${GOOD_REPLY.length}\r\n\r\n${GOOD_REPLY.toString("latin1")}`,
      "latin1",
    ),
  chunked: (socket) => {
    const half = GOOD_REPLY.length >> 1;
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const part of [GOOD_REPLY.subarray(0, half), GOOD_REPLY.subarray(half)]) {
      socket.write(`${part.length.toString(16)}\r\n`);
      socket.write(part);
      socket.write("\r\n");
    }
    socket.end("0\r\n\r\n");
  },
  "until the end": (socket) => {
    socket.write("HTTP/1.0 200 OK\r\n\r\n");
    socket.end(GOOD_REPLY);
  },
  gzip: (socket) => encoded(socket, "gzip", gzipSync(GOOD_REPLY)),
  deflate: (socket) => encoded(socket, "deflate", deflateSync(GOOD_REPLY)),
  "raw deflate": (socket) => encoded(socket, "deflate", deflateRawSync(GOOD_REPLY)),

  silent: () => {},
  "slow headers": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    drip(socket, "X: y\r\n");
  },
  "slow body": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nd8:interval");
    drip(socket, "0");
  },
  "slow chunks": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    drip(socket, "1\r\n0\r\n");
  },
  continue: (socket) => drip(socket, "HTTP/1.1 100 Continue\r\n\r\n"),

  garbage: (socket) => socket.end("\x00\xff\x07garbage\r\n\r\n\x00"),
  "garbage body": (socket) => bencoded(socket, "\x00\xff\x07garbage"),
  html: (socket) =>
    reply(socket, "200 OK", ["Content-Type: text/html"], "<!doctype html><title>Parked</title>"),
  "not found": (socket) => reply(socket, "404 Not Found", ["Content-Type: text/html"], "<title>404</title>"),
  "server error": (socket) => reply(socket, "500 Oops", [], ""),
  "empty body": (socket) => bencoded(socket, ""),
  "a list": (socket) => bencoded(socket, "le"),
  "something else": (socket) => bencoded(socket, "d3:fooi1ee"),
  "cut off": (socket) => bencoded(socket, "d8:intervali1800e5:peers600:abc"),
  "deeply nested": (socket) => bencoded(socket, `d5:peers${"l".repeat(100_000)}${"e".repeat(100_000)}e`),
  "wrong length": (socket) => bencoded(socket, "d8:intervali1800e5:peers7:\x01\x02\x03\x04\x05\x06\x07e"),
  "wrong length of peers6": (socket) => bencoded(socket, "d8:intervali1800e6:peers617:12345678901234567e"),
  "peers that are a number": (socket) => bencoded(socket, "d8:intervali1800e5:peersi5ee"),

  "endless body": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    flood(socket, Buffer.alloc(65_536, "d"));
  },
  "endless chunks": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    flood(socket, `1000\r\n${"d".repeat(0x1000)}\r\n`);
  },
  "announced too large": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nd8:interval");
  },
  "gzip bomb": (socket) => encoded(socket, "gzip", bomb(gzipSync)),
  "deflate bomb": (socket) => encoded(socket, "deflate", bomb(deflateSync)),
  "not gzip": (socket) => encoded(socket, "gzip", GOOD_REPLY),
  "gzip cut off": (socket) => encoded(socket, "gzip", gzipSync(GOOD_REPLY).subarray(0, 30)),
  "gzip twice": (socket) => encoded(socket, "gzip, gzip", gzipSync(gzipSync(GOOD_REPLY))),
  brotli: (socket) => encoded(socket, "br", GOOD_REPLY),

  "header flood": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    flood(socket, "X-More: and more\r\n".repeat(100));
  },
  "endless header": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nX: ");
    flood(socket, "x".repeat(4096));
  },
  "two lengths": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\ndexxxxxxx"),
  "closed at once": (socket) => socket.end(),
  "closed in headers": (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le"),
  "closed in body": (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nd8:intervali"),
  reset: (socket) => socket.resetAndDestroy(),

  "redirect loop": redirectTo("/redirect%20loop"),
  "three redirects": redirectTo("two%20redirects"),
  "two redirects": redirectTo("/one%20redirect"),
  "one redirect": redirectTo("good"),
  "four redirects": redirectTo("/three%20redirects"),
  "redirect to nowhere": (socket) => reply(socket, "302 Found", [], ""),
  "redirect to a file": (socket) => redirect(socket, "file:///etc/passwd"),
  "redirect inside": redirectTo("http://127.0.0.2:1/good"),
  "redirect to udp": (socket) => redirect(socket, "udp://127.0.0.1:6969/announce"),
  "redirect to userinfo": (socket) => redirect(socket, "http://a:b@127.0.0.1/announce"),
  "redirect to something else": (socket) => redirect(socket, "/good?passkey=x"),
  /** Redirects to the location in the query. */
  "redirect to": (socket, path) => redirect(socket, decodeURIComponent(path.slice(path.indexOf("?") + 1))),

  "failure reason": (socket) => bencoded(socket, "d14:failure reason4:away8:retry in2:15e"),
  "failure for ever": (socket) => bencoded(socket, "d14:failure reason4:gone8:retry in5:nevere"),
  "failure with a status": (socket) =>
    bencoded(socket, "d14:failure reason12:unregisterede", "403 Forbidden"),
} satisfies Record<string, Behaviour>;

/** A name of {@link BEHAVIOURS}. */
export type BehaviourName = keyof typeof BEHAVIOURS;

/** Sends a few bytes at a time, endlessly. */
function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20);
  socket.on("close", () => clearInterval(timer));
}

/** The tracker over HTTP. */
export class HostileTracker {
  /** The request lines and headers received, Latin-1. */
  readonly requests: string[] = [];
  /** Connections accepted so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Starts one. @param host the address to listen on. */
  static async start(host = "127.0.0.1", port = 0): Promise<HostileTracker> {
    const tracker = new HostileTracker();
    tracker.#server.listen(port, host);
    await once(tracker.#server, "listening");
    return tracker;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return address.port;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** The URL of a behaviour. */
  url(behaviour: BehaviourName, query = ""): string {
    return `http://127.0.0.1:${this.port}/${encodeURIComponent(behaviour)}${query}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {}); // the other end has closed
    let received = "";
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (received.startsWith("\x16")) socket.end("HTTP/1.1 400 Not TLS\r\n\r\n");
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.requests.push(received.slice(0, end));
      const path = received.split(" ", 2)[1];
      received = received.slice(end + 4);
      const behaviours: Record<string, Behaviour> = BEHAVIOURS;
      behaviours[decodeURIComponent(path.slice(1).split("?", 1)[0])]?.(socket, path);
    });
  }
}

/** A tracker over UDP with a replaceable behaviour. */
export class HostileUdpTracker {
  /** Datagrams received. */
  readonly received: Buffer[] = [];
  /** The handler of each datagram. By default it does nothing. */
  answer: (datagram: Buffer, send: (reply: Buffer) => void, from: RemoteInfo) => void = () => {};
  readonly #socket;

  private constructor(family: 4 | 6) {
    this.#socket = createSocket(family === 4 ? "udp4" : "udp6");
    this.#socket.on("message", (datagram, from) => {
      this.received.push(datagram);
      this.answer(datagram, (reply) => this.#socket.send(reply, from.port, from.address), from);
    });
  }

  /** Starts one on loopback. */
  static async start(family: 4 | 6 = 4): Promise<HostileUdpTracker> {
    const tracker = new HostileUdpTracker(family);
    tracker.#socket.bind(0, family === 4 ? "127.0.0.1" : "::1");
    await once(tracker.#socket, "listening");
    return tracker;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get url(): string {
    const { family, port } = this.#socket.address();
    return `udp://${family === "IPv6" ? "[::1]" : "127.0.0.1"}:${port}/announce`;
  }

  stop(): void {
    this.#socket.close();
  }
}
