/** Connections to one tracker, kept and pipelined. When the tracker is gone, or hangs, what was asked comes back. */
import { connect, type Socket } from "node:net";

/** A request whose answer is waited for. */
export interface Pending {
  readonly path: string;
  /** When it was sent, in milliseconds since 1970. */
  sentMs: number;
  /** Takes the body of the answer. */
  answered(body: Buffer, receivedMs: number): void;
  /** There is no answer. */
  failed(): void;
}

/** After so long without an answer the tracker hangs. */
const PATIENCE_MS = 2000;
/** After a failure, nothing is sent for so long. */
const AVOID_MS = 200;
const HEAD_END = "\r\n\r\n";

/** Milliseconds since 1970, with fractions. */
function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Some connections to a tracker. */
export class Connections {
  readonly #host: string;
  readonly #port: number;
  readonly #connections: (Connection | undefined)[];
  #next = 0;
  #avoidUntil = 0;

  constructor(url: string, count: number) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
    this.#connections = Array.from({ length: count }, () => undefined);
  }

  /** Whether the tracker has not failed just now. */
  get isUsable(): boolean {
    return Date.now() >= this.#avoidUntil;
  }

  /** Requests without an answer. */
  get waiting(): number {
    return this.#connections.reduce((sum, each) => sum + (each?.waiting.length ?? 0), 0);
  }

  /** Sends a request. */
  send(pending: Pending): void {
    const at = this.#next++ % this.#connections.length;
    let connection = this.#connections[at];
    if (connection === undefined || connection.isOver) {
      connection = new Connection(this.#host, this.#port, () => {
        this.#avoidUntil = Date.now() + AVOID_MS;
      });
      this.#connections[at] = connection;
    }
    connection.send(pending);
  }

  /** Gives up what hangs. Called regularly. */
  check(nowMs: number): void {
    for (const connection of this.#connections) {
      const oldest = connection?.waiting[0];
      if (oldest !== undefined && nowMs - oldest.sentMs > PATIENCE_MS) connection?.end();
    }
  }

  close(): void {
    for (const connection of this.#connections) connection?.end();
  }
}

class Connection {
  readonly waiting: Pending[] = [];
  isOver = false;
  readonly #socket: Socket;
  readonly #lost: () => void;
  #received: Buffer = Buffer.alloc(0);
  #out = "";

  constructor(host: string, port: number, lost: () => void) {
    this.#lost = lost;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => this.#read(bytes));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.end());
  }

  /** Requests of one turn of the event loop are sent together. */
  send(pending: Pending): void {
    pending.sentMs = preciseNow();
    this.waiting.push(pending);
    if (this.#out === "") setImmediate(() => this.#flush());
    this.#out += `GET ${pending.path} HTTP/1.1\r\nHost: tracker\r\n\r\n`;
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#socket.destroy();
    if (this.waiting.length > 0) this.#lost();
    for (const pending of this.waiting.splice(0)) pending.failed();
  }

  #flush(): void {
    if (!this.isOver) this.#socket.write(this.#out, "latin1");
    this.#out = "";
  }

  #read(bytes: Buffer): void {
    const now = preciseNow();
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    for (;;) {
      const end = this.#received.indexOf(HEAD_END);
      if (end === -1) return;
      const head = this.#received.toString("latin1", 0, end);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
      const bodyAt = end + HEAD_END.length;
      if (this.#received.length < bodyAt + length) return;
      const body = this.#received.subarray(bodyAt, bodyAt + length);
      this.#received = this.#received.subarray(bodyAt + length);
      const pending = this.waiting.shift();
      if (!head.startsWith("HTTP/1.1 200") || pending === undefined)
        throw new Error(`not an answer: ${head}\n${body.toString("latin1")}`);
      pending.answered(body, now);
    }
  }
}
