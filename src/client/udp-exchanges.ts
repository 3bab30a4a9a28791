/** Requests and replies over UDP: one socket a family, and only he who was asked can answer, to what he was asked. */
import { randomInt } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Address, Family } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import { untilDeadline } from "./deadline.ts";
import type { FailureKind } from "./outcome.ts";
import { ACTION, REPLY_HEADER_BYTES, setTransaction } from "./udp-messages.ts";

/** What is asked of whom. */
export interface UdpQuestion<T> {
  readonly address: Address;
  readonly port: number;
  /** The datagram; its transaction id is written here. */
  readonly request: Buffer;
  readonly action: number;
  /** Reads a reply of that action, or of an error. A kind of failure ends the wait as an answer does. */
  readonly decode: (reply: Buffer, action: number) => T | FailureKind;
  /** Ends the wait as `timeout`, or as `closed`. */
  readonly deadline: AbortSignal;
  /** Milliseconds after which the wait ends even before, as `timeout`; none by default. */
  readonly patienceMs?: number | undefined;
}

interface Waiting {
  readonly address: string;
  readonly port: number;
  readonly action: number;
  readonly take: (reply: Buffer, action: number) => void;
  readonly fail: (kind: FailureKind) => void;
}

/** BEP 15 begins with 15 s and doubles; whoever waits here waits for seconds. */
const RETRANSMIT_MS = 1000;
const TRANSACTIONS = 2 ** 32;

/** All questions on their way. */
export class UdpExchanges {
  readonly #sockets = new Map<Family, Socket>();
  readonly #waiting = new Map<number, Waiting>();
  /** Datagrams that answered nothing that was asked, or came from somebody else. */
  strays = 0;

  /** Asks, again and again at doubling intervals, until there is an answer or the deadline is over. Never rejects. */
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

  /** Closes the sockets. What is waited for is ended by its deadline. */
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

  /** Not to be guessed, so that nobody can answer in a tracker's name. */
  #unusedTransaction(): number {
    for (;;) {
      const transaction = randomInt(TRANSACTIONS);
      if (!this.#waiting.has(transaction)) return transaction;
    }
  }
}
