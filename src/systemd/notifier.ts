/** Reports the program's state to the service manager: sd_notify(3), a datagram of lines to a Unix socket. */
import { MESSAGE, SOCKET } from "../engine/uring/layouts.ts";

/** struct sockaddr_un, include/uapi/linux/un.h: family and path. The path of an abstract address starts with a 0. */
const SOCKADDR_UN = { family: 0, path: 2, mostBytes: 110 } as const;

/** The service manager expects reports, but its socket cannot be used. */
export class NotifierError extends Error {}

/** Sends one datagram to the service manager. */
type Send = (text: string) => void;

/** Reports to the service manager. Delivery is not guaranteed. */
export class Notifier {
  /**
   * The service manager restarts a process that does not call {@link alive} within this time, in milliseconds.
   * Undefined: it does not.
   */
  readonly watchdogMs: number | undefined;
  readonly #sendText: Send;

  /** @param watchdogUs the environment's value, in microseconds. */
  constructor(send: Send, watchdogUs: number | undefined) {
    this.#sendText = send;
    this.watchdogMs = watchdogUs === undefined ? undefined : watchdogUs / 1000;
  }

  /** Reports that the program serves, after a start or reload. */
  ready(status: string): void {
    this.#send("READY=1", `STATUS=${status}`);
  }

  /** Reports the start of a reload; {@link ready} ends it. */
  reloading(): void {
    this.#send("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, "STATUS=reloading");
  }

  /** Reports that the program is stopping. */
  stopping(status: string): void {
    this.#send("STOPPING=1", `STATUS=${status}`);
  }

  /** Reports a status text, for `systemctl status`. */
  status(text: string): void {
    this.#send(`STATUS=${text}`);
  }

  /** Reports that all workers are alive. */
  alive(status: string): void {
    this.#send("WATCHDOG=1", `STATUS=${status}`);
  }

  #send(...lines: string[]): void {
    this.#sendText(lines.map((line) => `${line.replaceAll("\n", " ")}\n`).join(""));
  }
}

/**
 * Opens the socket of the service manager, and removes it from the environment.
 * @returns undefined if there is none.
 * @throws NotifierError if it cannot be used.
 */
export async function openNotifier(
  environment: Record<string, string | undefined>,
  processId: number,
): Promise<Notifier | undefined> {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC, WATCHDOG_PID } = environment;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete environment[name];
  if (path === undefined) return undefined;
  const address = unixAddress(path);
  const { socket, sendto } = await import("../engine/uring/libc.ts").catch(() => {
    throw new NotifierError("NOTIFY_SOCKET needs the package koffi, which is not installed");
  });
  const fd = socket(SOCKET.familyUnix, SOCKET.datagram | SOCKET.closeOnExec, 0);
  if (fd < 0) throw new NotifierError("no socket can be opened for NOTIFY_SOCKET");
  const isWatched =
    WATCHDOG_USEC !== undefined && (WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === processId);
  const send = (text: string) => {
    const bytes = Buffer.from(text);
    sendto(fd, bytes, bytes.length, MESSAGE.noSignal, address, address.length);
  };
  return new Notifier(send, isWatched ? Number(WATCHDOG_USEC) : undefined);
}

/** The bytes of a struct sockaddr_un. @param path of a file, or `@` and an abstract name. */
function unixAddress(path: string): Uint8Array {
  const name = Buffer.from(path);
  if (!/^[/@]./.test(path) || SOCKADDR_UN.path + name.length + 1 > SOCKADDR_UN.mostBytes)
    throw new NotifierError(`NOTIFY_SOCKET=${path} is not the path of a socket`);
  const isAbstract = path.startsWith("@");
  const address = new Uint8Array(SOCKADDR_UN.path + name.length + (isAbstract ? 0 : 1));
  address[SOCKADDR_UN.family] = SOCKET.familyUnix;
  address.set(name, SOCKADDR_UN.path);
  if (isAbstract) address[SOCKADDR_UN.path] = 0;
  return address;
}
