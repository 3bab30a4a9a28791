/**
 * Requests and replies over UDP, with one socket per family. A reply must come from the requested address and port,
 * with the right transaction id and action.
 */
import { randomInt } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Address, Family } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import { untilDeadline } from "./deadline.ts";
import type { FailureKind } from "./outcome.ts";
import { ACTION, REPLY_HEADER_BYTES, setTransaction } from "./udp-messages.ts";

/** A request, and how to decode its reply. */
export interface UdpQuestion<T> {
  readonly address: Address;
  readonly port: number;
  /** The datagram; its transaction id is filled in. */
  readonly request: Buffer;
  readonly action: number;
  /** Decodes a reply with this action or an error. A kind of failure ends the wait, too. */
  readonly decode: (reply: Buffer, action: number) => T | FailureKind;
  /** Ends the wait with `timeout` or `closed`. */
  readonly deadline: AbortSignal;
  /** Milliseconds after which the wait ends with `timeout` before the deadline. Default: none. */
  readonly patienceMs?: number | undefined;
}

interface Waiting {
  readonly address: string;
  readonly port: number;
  readonly action: number;
  readonly take: (reply: Buffer, action: number) => void;
  readonly fail: (kind: FailureKind) => void;
}

/** First retransmission interval, in milliseconds. BEP 15 starts with 15 s, but callers here wait only for seconds. */
const RETRANSMIT_MS = 1000;
const TRANSACTIONS = 2 ** 32;

/** All requests in flight. */
export class UdpExchanges {
  readonly #sockets = new Map<Family, Socket>();
  readonly #waiting = new Map<number, Waiting>();
  /** Datagrams that matched no request, or came from another sender. */
  strays = 0;

  /** Sends a request, with retransmissions at doubling intervals, until the reply or the deadline. Never rejects. */
  async ask<T>(question: UdpQuestion<T>): Promise<T | FailureKind> {
    const transaction = this.#unusedTransaction();
    setTransaction(question.request, transaction);
    let timer: NodeJS.Timeout | undefined;
    let patience: NodeJS.Timeout | undefined;
    const answer = await untilDeadline<T>(question.deadline, (settle) => {
      this.#waiting.set(transaction, {
        address: formatAddress(question.address),
        port: question.port,
        action: question.action,
        take: (reply, action) => settle(question.decode(reply, action)),
        fail: settle,
      });
      const send = (waitMs: number) => {
        this.#send(question, settle);
        timer = setTimeout(send, waitMs, waitMs * 2);
      };
      send(RETRANSMIT_MS);
      if (question.patienceMs !== undefined) patience = setTimeout(settle, question.patienceMs, "timeout");
    });
    clearTimeout(timer);
    clearTimeout(patience);
    this.#waiting.delete(transaction);
    return answer;
  }

  /** Closes the sockets. Pending requests end at their deadlines. */
  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #send<T>({ request, address, port }: UdpQuestion<T>, fail: (kind: FailureKind) => void): void {
    const text = formatAddress(address);
    this.#socket(address.family).send(request, port, text, (error) => {
      if (error !== null) fail("unreachable");
    });
  }

  #socket(family: Family): Socket {
    const open = this.#sockets.get(family);
    if (open !== undefined) return open;
    const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", ipv6Only: family === 6 });
    this.#sockets.set(family, socket);
    socket.on("message", (datagram, from) => this.#receive(datagram, from));
    socket.on("error", () => {
      if (this.#sockets.get(family) === socket) this.#sockets.delete(family);
      socket.close();
      for (const { address, fail } of this.#waiting.values()) {
        if (address.includes(":") === (family === 6)) fail("unreachable");
      }
    });
    socket.bind(0);
    return socket;
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (datagram.length >= REPLY_HEADER_BYTES) {
      const action = datagram.readUInt32BE(0);
      const waiting = this.#waiting.get(datagram.readUInt32BE(4));
      const expected = waiting?.action === action || action === ACTION.error;
      if (expected && waiting?.address === from.address && waiting.port === from.port) {
        waiting.take(datagram, action);
        return;
      }
    }
    this.strays++;
  }

  /** Random, so that others cannot forge replies. */
  #unusedTransaction(): number {
    for (;;) {
      const transaction = randomInt(TRANSACTIONS);
      if (!this.#waiting.has(transaction)) return transaction;
    }
  }
}
