/**
 * Limits the connections of the admin listener. Idle connections must not keep out others, above all not those from
 * this machine.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { BlockList, isIP, type Server, type Socket } from "node:net";

/** The limits of connections. */
export interface AdminConnectionLimits {
  readonly most: number;
  /** Additional connections from this machine, when all others are busy. */
  readonly reserve: number;
}

/** A connection, and how many of its requests are being answered. */
interface Open {
  readonly socket: Socket;
  requests: number;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Watches the connections of a server. A connection beyond the limit replaces the one that has been idle longest; one with
 * an incomplete request counts as idle. When all are busy, the new connection is closed.
 */
export class AdminConnections {
  /** Idle connections closed for new ones, and new connections closed because all were busy. */
  displaced = 0;
  refused = 0;
  readonly #limits: AdminConnectionLimits;
  /** By remote address and port, the same for a connection and its TLS socket. The one that was busy last is last. */
  readonly #open = new Map<string, Open>();

  constructor(server: Server, limits: AdminConnectionLimits) {
    this.#limits = limits;
    server.on("connection", (socket: Socket) => this.#accept(socket));
    server.on("request", (request: IncomingMessage, response: ServerResponse) =>
      this.#begin(nameOf(request.socket), response),
    );
  }

  #accept(socket: Socket): void {
    if (this.#open.size >= this.#limits.most && !this.#makeRoom(socket)) {
      this.refused++;
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    const open = { socket, requests: 0 };
    this.#open.set(name, open);
    socket.once("close", () => {
      if (this.#open.get(name) === open) this.#open.delete(name);
    });
  }

  #makeRoom(newcomer: Socket): boolean {
    for (const [name, { socket, requests }] of this.#open) {
      if (requests > 0) continue;
      this.#open.delete(name);
      this.displaced++;
      socket.destroy();
      return true;
    }
    return isLoopback(newcomer) && this.#open.size < this.#limits.most + this.#limits.reserve;
  }

  #begin(name: string, response: ServerResponse): void {
    const open = this.#open.get(name);
    if (open === undefined) return;
    open.requests++;
    response.once("close", () => {
      open.requests--;
      if (this.#open.get(name) !== open) return;
      this.#open.delete(name);
      this.#open.set(name, open);
    });
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function isLoopback({ remoteAddress = "" }: Socket): boolean {
  const family = isIP(remoteAddress);
  return family !== 0 && LOOPBACK.check(remoteAddress, family === 4 ? "ipv4" : "ipv6");
}
