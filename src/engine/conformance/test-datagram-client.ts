/** A UDP client that keeps datagrams until a test asks for them. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { ListenAddress } from "../engine.ts";
import { Watched } from "./watched.ts";

/** Interval between attempts of {@link TestDatagramClient.askUntilAnswered}. */
const RETRY_MS = 20;

/** A datagram and its sender. */
interface Arrival {
  readonly bytes: Buffer;
  readonly from: RemoteInfo;
}

/** Sends to one address. A datagram from another address is an error. */
export class TestDatagramClient extends Watched {
  readonly #socket: Socket;
  readonly #to: ListenAddress;
  readonly #arrivals: Arrival[] = [];

  private constructor(socket: Socket, to: ListenAddress) {
    super();
    this.#socket = socket;
    this.#to = to;
    socket.on("message", (bytes, from) => {
      this.#arrivals.push({ bytes, from });
      this.changed();
    });
    // ECONNREFUSED, after the engine has stopped.
    socket.on("error", () => {});
  }

  /** Opens a client on a free port. */
  static async open(to: ListenAddress, localAddress?: string): Promise<TestDatagramClient> {
    const isIPv6 = to.host.includes(":");
    const socket = createSocket({ type: isIPv6 ? "udp6" : "udp4", recvBufferSize: 1024 * 1024 });
    socket.bind({ address: localAddress ?? (isIPv6 ? "::1" : "127.0.0.1"), port: 0 });
    await once(socket, "listening");
    return new TestDatagramClient(socket, to);
  }

  /** Its local port. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Received datagrams that no test has asked for yet. */
  get waiting(): number {
    return this.#arrivals.length;
  }

  /** Sends one datagram. @returns when the kernel has taken it. */
  send(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(data, this.#to.port, this.#to.host, () => resolve());
    });
  }

  /** The next datagram. @throws Error when its source is not the address and port that the client sends to. */
  async receive(): Promise<Buffer> {
    await this.until(() => this.#arrivals.length > 0);
    const { bytes, from } = this.#arrivals.shift()!;
    const { host, port } = this.#to;
    if (from.address !== host || from.port !== port)
      throw new Error(`from ${from.address} port ${from.port}`);
    return bytes;
  }

  /** Sends a datagram and takes the next one as its reply. */
  async ask(data: string | Uint8Array): Promise<string> {
    await this.send(data);
    return (await this.receive()).toString("latin1");
  }

  /** Repeats `say TEXT` until its reply comes. @returns the other replies received meanwhile. */
  async askUntilAnswered(text: string): Promise<string[]> {
    const others: string[] = [];
    const timer = setInterval(() => void this.send(`say ${text}`), RETRY_MS);
    await this.send(`say ${text}`);
    for (;;) {
      const answer = (await this.receive()).toString("latin1");
      if (answer === text) break;
      others.push(answer);
    }
    clearInterval(timer);
    return others;
  }

  /** Closes the socket. Later datagrams are refused (ICMP port unreachable). */
  close(): void {
    this.#socket.close();
  }
}
