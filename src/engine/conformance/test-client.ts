/** A TCP client that reads only when asked to. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { ListenAddress } from "../engine.ts";
import { Watched } from "./watched.ts";

/** How a connection ended for its client, and the remaining bytes. */
export interface Ending {
  readonly bytes: Buffer;
  /** The error's code, such as ECONNRESET; undefined after an orderly close. */
  readonly error: string | undefined;
}

/** Sends, reads exactly what a test asks for, and keeps its side open until it is closed. */
export class TestClient extends Watched {
  readonly #socket: Socket;
  #error: string | undefined;

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    for (const event of ["readable", "end", "close"]) socket.on(event, () => this.changed());
    socket.on("error", (error) => {
      this.#error = "code" in error ? String(error.code) : error.message;
    });
  }

  /** Connects. @throws Error with a code on failure. */
  static async connect(address: ListenAddress, localAddress?: string): Promise<TestClient> {
    const socket = connect({
      host: address.host,
      port: address.port,
      allowHalfOpen: true,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("connect", resolve);
    socket.once("error", reject);
    await promise;
    socket.off("error", reject);
    return new TestClient(socket);
  }

  /** Writes bytes, which may be sent later. */
  send(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /** Writes bytes, and then shuts down the sending side. */
  sendLast(data: string | Uint8Array): void {
    this.#socket.end(data);
  }

  /** Reads exactly `length` bytes. @throws Error when the connection ends before. */
  async read(length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    let bytes: Buffer | null = null;
    await this.until(() => {
      bytes ??= this.#socket.read(length);
      return bytes !== null || this.#isOver();
    });
    assert.equal(Buffer.byteLength(bytes ?? ""), length, `the connection ended: ${this.#error}`);
    return bytes ?? Buffer.alloc(0);
  }

  /** Reads a line, without its newline. Byte by byte, as lines are short. */
  async readLine(): Promise<string> {
    let line = "";
    for (;;) {
      const character = (await this.read(1)).toString("latin1");
      if (character === "\n") return line;
      line += character;
    }
  }

  /** Sends a line and reads the line of its reply. */
  ask(line: string): Promise<string> {
    this.send(`${line}\n`);
    return this.readLine();
  }

  /** Reads until the server closes or the connection breaks. */
  async readToEnd(): Promise<Ending> {
    const chunks: Buffer[] = [];
    await this.until(() => {
      for (let bytes = this.#socket.read(); bytes !== null; bytes = this.#socket.read()) chunks.push(bytes);
      return this.#isOver();
    });
    return { bytes: Buffer.concat(chunks), error: this.#error };
  }

  /** Closes with a reset (RST). */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Closes. */
  close(): void {
    this.#socket.destroy();
  }

  #isOver(): boolean {
    return this.#socket.readableEnded || this.#socket.destroyed;
  }
}
