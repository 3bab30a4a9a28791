/**
 * The C library's functions that the engine calls, through koffi. Nothing else here knows koffi. Pointers are numbers
 * of 64 bits: bigint constants made once (memory.ts), never per call.
 *
 * Every function returns what the system call returns; below 0 it failed, and {@link systemError} says how.
 */
import { constants } from "node:os";
import koffi from "koffi";

/** A pointer into memory of ours, or null. */
export type Pointer = bigint | null;

// The process itself: Node has its C library loaded, glibc's or musl's.
const library = koffi.load(null);

/** io_uring_setup(2), io_uring_enter(2), io_uring_register(2): the same numbers on every architecture. */
const SYSTEM_CALL = { setup: 425, enter: 426, register: 427 } as const;

const setupCall: (call: number, entries: number, parameters: Pointer) => number = library.func(
  "int64_t syscall(int64_t call, uint32_t entries, void *parameters)",
);
const enterCall: (
  call: number,
  fd: number,
  toSubmit: number,
  least: number,
  flags: number,
  argument: Pointer,
  bytes: number,
) => number = library.func(
  "int64_t syscall(int64_t call, int fd, uint32_t to_submit, uint32_t least, uint32_t flags, void *argument, size_t bytes)",
);
const registerCall: (
  call: number,
  fd: number,
  operation: number,
  argument: Pointer,
  count: number,
) => number = library.func(
  "int64_t syscall(int64_t call, int fd, uint32_t operation, void *argument, uint32_t count)",
);

/** io_uring_setup(2). @param parameters struct io_uring_params. @returns a descriptor. */
export function ioUringSetup(entries: number, parameters: Pointer): number {
  return setupCall(SYSTEM_CALL.setup, entries, parameters);
}

/** io_uring_enter(2). @param argument struct io_uring_getevents_arg, so many bytes long. @returns entries submitted. */
export function ioUringEnter(
  fd: number,
  toSubmit: number,
  least: number,
  flags: number,
  argument: Pointer,
  bytes: number,
): number {
  return enterCall(SYSTEM_CALL.enter, fd, toSubmit, least, flags, argument, bytes);
}

/** io_uring_register(2). */
export function ioUringRegister(fd: number, operation: number, argument: Pointer, count: number): number {
  return registerCall(SYSTEM_CALL.register, fd, operation, argument, count);
}

/** mmap(2). @returns where; 2^64 - 1 when it failed. */
export const mmap: (
  at: Pointer,
  bytes: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => bigint = library.func(
  "void *mmap(void *at, size_t bytes, int protection, int flags, int fd, int64_t offset)",
);

/** munmap(2). */
export const munmap: (at: Pointer, bytes: number) => number = library.func(
  "int munmap(void *at, size_t bytes)",
);

/** socket(2). */
export const socket: (domain: number, type: number, protocol: number) => number = library.func(
  "int socket(int domain, int type, int protocol)",
);

/** bind(2). */
export const bind: (fd: number, address: Pointer, bytes: number) => number = library.func(
  "int bind(int fd, void *address, uint32_t bytes)",
);

/** listen(2). */
export const listen: (fd: number, backlog: number) => number = library.func(
  "int listen(int fd, int backlog)",
);

/** setsockopt(2). */
export const setsockopt: (
  fd: number,
  level: number,
  option: number,
  value: Pointer,
  bytes: number,
) => number = library.func("int setsockopt(int fd, int level, int option, void *value, uint32_t bytes)");

/** getsockopt(2). @param bytes points to the room there is, a word that is overwritten with the value's length. */
export const getsockopt: (
  fd: number,
  level: number,
  option: number,
  value: Pointer,
  bytes: Pointer,
) => number = library.func("int getsockopt(int fd, int level, int option, void *value, void *bytes)");

/** sendto(2). @param address struct sockaddr, so many bytes long. @returns how many bytes were sent. */
export const sendto: (
  fd: number,
  message: Uint8Array,
  length: number,
  flags: number,
  address: Uint8Array,
  bytes: number,
) => number = library.func(
  "int64_t sendto(int fd, const uint8_t *message, size_t length, int flags, const uint8_t *address, uint32_t bytes)",
);

/** fcntl(2), of the commands that take a number. On Linux's architectures a variadic one is passed like any other. */
export const fcntl: (fd: number, command: number, argument: number) => number = library.func(
  "int fcntl(int fd, int command, int argument)",
);

/** getsockname(2). @param bytes points to the room there is, a word that is overwritten with the address's length. */
export const getsockname: (fd: number, address: Pointer, bytes: Pointer) => number = library.func(
  "int getsockname(int fd, void *address, void *bytes)",
);

/** getpeername(2); otherwise as {@link getsockname}. */
export const getpeername: (fd: number, address: Pointer, bytes: Pointer) => number = library.func(
  "int getpeername(int fd, void *address, void *bytes)",
);

/** shutdown(2). */
export const shutdown: (fd: number, how: number) => number = library.func("int shutdown(int fd, int how)");

/** eventfd(2). */
export const eventfd: (value: number, flags: number) => number = library.func(
  "int eventfd(uint32_t value, int flags)",
);

/** read(2). @returns how many bytes were read. */
export const read: (fd: number, bytes: Uint8Array, length: number) => number = library.func(
  "int64_t read(int fd, _Out_ uint8_t *bytes, size_t length)",
);

/** usleep(3): sleeps for so many microseconds, fewer than a million. */
export const usleep: (microseconds: number) => number = library.func("int usleep(uint32_t microseconds)");

/** close(2). */
export const close: (fd: number) => number = library.func("int close(int fd)");

/** recvmmsg(2). @param messages array of struct mmsghdr. @returns how many were received. */
export const recvmmsg: (
  fd: number,
  messages: Pointer,
  count: number,
  flags: number,
  timeout: Pointer,
) => number = library.func("int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)");

/** sendmmsg(2). @returns how many were sent, from the first on; below 0 when that one could not be. */
export const sendmmsg: (fd: number, messages: Pointer, count: number, flags: number) => number = library.func(
  "int sendmmsg(int fd, void *messages, uint32_t count, int flags)",
);

/** A view of foreign memory. */
export function viewMemory(at: bigint, bytes: number): ArrayBuffer {
  return koffi.view(at, bytes);
}

/** Number of the error of the last call that failed: errno(3). */
export function errno(): number {
  return koffi.errno();
}

/** A system call that failed. `code` is the system's name of the error, such as EADDRINUSE. */
export class SystemError extends Error {
  readonly code: string;

  /** @param errorNumber as in errno(3). @param what was tried, and on what. */
  constructor(errorNumber: number, what: string) {
    const code = nameOfError(errorNumber);
    super(`${what}: ${code}`);
    this.code = code;
  }
}

/** The error of the call that just failed. @param what was tried. */
export function systemError(what: string): SystemError {
  return new SystemError(errno(), what);
}

function nameOfError(errorNumber: number): string {
  const known = Object.entries(constants.errno).find(([, value]) => value === errorNumber);
  return known === undefined ? `error ${errorNumber}` : known[0];
}
