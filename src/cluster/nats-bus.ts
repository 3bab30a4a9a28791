/**
 * The connection to a nats-server. The client library is loaded only here, and this file only by the cluster thread: a
 * tracker without a cluster loads nothing of it.
 *
 * The library queues without a limit what it cannot send. So nothing is sent without a connection, and no more than
 * {@link WINDOW_BYTES} beyond what the server has acknowledged; the other nodes fetch what they missed.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { authenticatorFor } from "./authenticator.ts";
import type { Bus, BusStatus } from "./bus.ts";
import { beatsOf, MESSAGE_KINDS, type MessageKind, subjectOf } from "./message.ts";
import type { ClusterSettings } from "./settings.ts";

/** Bytes that are sent before the server must have acknowledged some of them. */
export const WINDOW_BYTES = 8 * 2 ** 20;

/** The server is asked for a sign of life in this interval, and given up after two that it does not answer. */
const PING_MS = 1000;
const PINGS_MAX = 2;

const CONNECT_MS = 3000;
const RECONNECT_MS = 250;

/** How long an end waits until the server has what was published. */
const FLUSH_MS = 1000;

/** What is received. */
export interface BusListener {
  /** A message. */
  receive(subject: string, bytes: Uint8Array): void;
  /** What the control plane of another node has published. */
  receiveStatus(node: string, bytes: Uint8Array): void;
}

/** A connection that is kept up. */
export class NatsBus implements Bus {
  isConnected = false;
  readonly #settings: ClusterSettings;
  readonly #listener: BusListener;
  #connection: NatsConnection | undefined;
  #isClosed = false;
  #reconnects = 0;
  #lastError: string | null = null;
  #roundTripMs: number | null = null;
  /** Bytes that the server has not acknowledged. */
  #pending = 0;
  #isFlushing = false;
  /** Counts connections, so that an acknowledgement of a former one is not taken for one of this. */
  #epoch = 0;

  constructor(settings: ClusterSettings, listener: BusListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  /** Connects, and tries until it succeeds or is closed. */
  async open(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#connect();
        return;
      } catch (error) {
        this.#lastError = textOf(error);
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS * 4));
      }
    }
  }

  publish(subject: string, bytes: Uint8Array): "sent" | "disconnected" | "slow" {
    const connection = this.#connection;
    if (!this.isConnected || connection === undefined) return "disconnected";
    if (this.#pending + bytes.length > WINDOW_BYTES) return "slow";
    try {
      connection.publish(subject, bytes);
    } catch (error) {
      this.#lastError = textOf(error);
      return "disconnected";
    }
    this.#pending += bytes.length;
    if (!this.#isFlushing) void this.#flush(connection);
    return "sent";
  }

  get status(): BusStatus {
    const info = this.#connection?.info;
    return {
      connected: this.isConnected,
      server: this.isConnected ? (this.#connection?.getServer() ?? null) : null,
      serverVersion: info?.version ?? null,
      reconnects: this.#reconnects,
      lastError: this.#lastError,
      roundTripMs: this.#roundTripMs,
    };
  }

  /** Sends what is on its way, and closes the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = this.#connection;
    const isConnected = this.isConnected;
    this.isConnected = false;
    // The library's `close` drops what is not written yet.
    if (isConnected && connection !== undefined)
      await Promise.race([connection.flush().catch(() => {}), delay(FLUSH_MS, undefined, { ref: false })]);
    await connection?.close();
  }

  async #connect(): Promise<void> {
    const nats = await import("@nats-io/transport-node");
    const { servers, ca, credentials, node, name } = this.#settings;
    const options: NodeConnectionOptions = {
      servers: [...servers],
      name: `btrt ${name} ${node}`,
      noEcho: true,
      // The first server is the nearest one.
      noRandomize: true,
      ignoreClusterUpdates: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      reconnectJitterTLS: RECONNECT_MS,
      ignoreAuthErrorAbort: true,
      timeout: CONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: PINGS_MAX,
      ...(servers.some((url) => url.startsWith("tls:")) && { tls: ca === null ? {} : { ca } }),
      ...(credentials !== null && { authenticator: authenticatorFor(nats, credentials) }),
    };
    const connection = await nats.connect(options);
    if (this.#isClosed) {
      await connection.close();
      return;
    }
    this.#connection = connection;
    this.#subscribe(connection);
    void this.#follow(connection);
    await connection.flush();
    this.isConnected = true;
  }

  #subscribe(connection: NatsConnection): void {
    for (const kind of MESSAGE_KINDS) {
      connection.subscribe(this.#heard(kind), {
        callback: (error, message) => {
          if (error !== null) this.#lastError = textOf(error);
          else if (kind === "status")
            this.#listener.receiveStatus(message.subject.split(".")[2], message.data);
          else this.#listener.receive(message.subject, message.data);
        },
      });
    }
  }

  /** The subject of the messages of a kind. */
  #heard(kind: MessageKind): string {
    const { name, node } = this.#settings;
    if (kind === "beat") return beatsOf(name);
    return subjectOf(name, "*", kind, kind === "ask" || kind === "answer" ? node : undefined);
  }

  /** Follows the state of the connection until it is closed for good, and then opens another one. */
  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect" || status.type === "staleConnection") this.#disconnected();
      else if (status.type === "reconnect") {
        this.#reconnects++;
        this.isConnected = true;
      } else if (status.type === "error") this.#lastError = textOf(status.error);
    }
    this.#disconnected();
    this.#connection = undefined;
    if (!this.#isClosed) await this.open();
  }

  #disconnected(): void {
    this.isConnected = false;
    this.#pending = 0;
    this.#isFlushing = false;
    this.#epoch++;
  }

  async #flush(connection: NatsConnection): Promise<void> {
    const epoch = this.#epoch;
    this.#isFlushing = true;
    while (this.#pending > 0 && epoch === this.#epoch) {
      const sent = this.#pending;
      const begin = performance.now();
      try {
        await connection.flush();
      } catch {
        break;
      }
      if (epoch !== this.#epoch) return;
      this.#roundTripMs = Math.round((performance.now() - begin) * 10) / 10;
      this.#pending -= sent;
    }
    if (epoch === this.#epoch) this.#isFlushing = false;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
