/** Tells the service manager how the program does: sd_notify(3), a datagram of lines to the socket it names. */
import { MESSAGE, SOCKET } from "../engine/uring/layouts.ts";

/** struct sockaddr_un, include/uapi/linux/un.h: the family, and the path; an abstract one begins with a 0. */
const SOCKADDR_UN = { family: 0, path: 2, mostBytes: 110 } as const;

/** The service manager wants to hear, and cannot be told. */
export class NotifierError extends Error {}

/** Sends one datagram to the service manager. */
type Send = (text: string) => void;

/** Tells the service manager. What does not reach it is lost. */
export class Notifier {
  /** It restarts a process that has not said {@link alive} for so long, in milliseconds; undefined: it does not. */
  readonly watchdogMs: number | undefined;
  readonly #sendText: Send;

  /** @param watchdogUs what the environment says, in microseconds. */
  constructor(send: Send, watchdogUs: number | undefined) {
    this.#sendText = send;
    this.watchdogMs = watchdogUs === undefined ? undefined : watchdogUs / 1000;
  }

  /** It serves, after its start or a reload. */
  ready(status: string): void {
    this.#send("READY=1", `STATUS=${status}`);
  }

  /** A reload has begun; {@link ready} ends it. */
  reloading(): void {
    this.#send("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, "STATUS=reloading");
  }

  /** It will end by itself. */
  stopping(status: string): void {
    this.#send("STOPPING=1", `STATUS=${status}`);
  }

  /** Says how it does, for `systemctl status`. */
  status(text: string): void {
    this.#send(`STATUS=${text}`);
  }

  /** Everything that must be alive is. */
  alive(status: string): void {
    this.#send("WATCHDOG=1", `STATUS=${status}`);
  }

  #send(...lines: string[]): void {
    this.#sendText(lines.map((line) => `${line.replaceAll("\n", " ")}\n`).join(""));
  }
}

/**
 * Opens the line to the service manager. The environment has it no more afterwards.
 * @returns undefined when there is none.
 * @throws NotifierError when there is, and it cannot be used.
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
  if (fd < 0) throw new NotifierError("there is no socket to be had for NOTIFY_SOCKET");
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
