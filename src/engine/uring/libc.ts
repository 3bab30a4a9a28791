/**
 * The C library's functions that the engine calls, through koffi. No other module uses koffi. Pointers are 64-bit
 * numbers: bigint constants created once (memory.ts), never per call.
 *
 * Every function returns the system call's result. If it is negative the call failed, and {@link systemError} returns
 * the error.
 */
import { constants } from "node:os";
import koffi from "koffi";

/** A pointer into shared memory, or null. */
export type Pointer = bigint | null;

// The process itself: Node has loaded its C library, glibc's or musl's.
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

/**
 * io_uring_enter(2), with its parameters. @param argument struct io_uring_getevents_arg of `bytes` bytes. @returns
 * entries submitted.
 */
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

/** mmap(2). @returns the address; 2^64 - 1 on failure. */
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

/**
 * getsockopt(2). @param bytes points to a word with the buffer's size, which is overwritten with the value's length.
 */
export const getsockopt: (
  fd: number,
  level: number,
  option: number,
  value: Pointer,
  bytes: Pointer,
) => number = library.func("int getsockopt(int fd, int level, int option, void *value, void *bytes)");

/** sendto(2). @param address struct sockaddr of `bytes` bytes. @returns bytes sent. */
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

/** fcntl(2), for commands that take an integer. On Linux a variadic integer is passed like any other. */
export const fcntl: (fd: number, command: number, argument: number) => number = library.func(
  "int fcntl(int fd, int command, int argument)",
);

/**
 * getsockname(2). @param bytes points to a word with the buffer's size, which is overwritten with the address's length.
 */
export const getsockname: (fd: number, address: Pointer, bytes: Pointer) => number = library.func(
  "int getsockname(int fd, void *address, void *bytes)",
);

/** getpeername(2); parameters as for {@link getsockname}. */
export const getpeername: (fd: number, address: Pointer, bytes: Pointer) => number = library.func(
  "int getpeername(int fd, void *address, void *bytes)",
);

/** shutdown(2). */
export const shutdown: (fd: number, how: number) => number = library.func("int shutdown(int fd, int how)");

/** eventfd(2). */
export const eventfd: (value: number, flags: number) => number = library.func(
  "int eventfd(uint32_t value, int flags)",
);

/** read(2). @returns bytes read. */
export const read: (fd: number, bytes: Uint8Array, length: number) => number = library.func(
  "int64_t read(int fd, _Out_ uint8_t *bytes, size_t length)",
);

/** madvise(2). */
export const madvise: (at: bigint, bytes: number, advice: number) => number = library.func(
  "int madvise(uintptr_t at, size_t bytes, int advice)",
);

let trim: ((pad: number) => number) | undefined;

/** malloc_trim(3). @throws Error if the C library has none, as it is not glibc. */
export function mallocTrim(): void {
  trim ??= library.func("int malloc_trim(size_t pad)");
  trim(0);
}

/** usleep(3): sleeps for fewer than a million microseconds. */
export const usleep: (microseconds: number) => number = library.func("int usleep(uint32_t microseconds)");

/** close(2). */
export const close: (fd: number) => number = library.func("int close(int fd)");

/** recvmmsg(2). @param messages array of struct mmsghdr. @returns datagrams received. */
export const recvmmsg: (
  fd: number,
  messages: Pointer,
  count: number,
  flags: number,
  timeout: Pointer,
) => number = library.func("int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)");

/** sendmmsg(2). @returns datagrams sent, from the first on; negative if the first one failed. */
export const sendmmsg: (fd: number, messages: Pointer, count: number, flags: number) => number = library.func(
  "int sendmmsg(int fd, void *messages, uint32_t count, int flags)",
);

/** The address of memory that JavaScript has allocated. */
export function addressOf(buffer: SharedArrayBuffer): bigint {
  return koffi.address(buffer);
}

/** Views memory outside the JavaScript heap. */
export function viewMemory(at: bigint, bytes: number): ArrayBuffer {
  return koffi.view(at, bytes);
}

/** Error number of the last failed call: errno(3). */
export function errno(): number {
  return koffi.errno();
}

/** A failed system call. `code` is the name of the error, such as EADDRINUSE. */
export class SystemError extends Error {
  readonly code: string;

  /** @param errorNumber as in errno(3). @param what the call and its object, for the message. */
  constructor(errorNumber: number, what: string) {
    const code = nameOfError(errorNumber);
    super(`${what}: ${code}`);
    this.code = code;
  }
}

/** The error of the call that just failed. @param what the call and its object, for the message. */
export function systemError(what: string): SystemError {
  return new SystemError(errno(), what);
}

function nameOfError(errorNumber: number): string {
  const known = Object.entries(constants.errno).find(([, value]) => value === errorNumber);
  return known === undefined ? `error ${errorNumber}` : known[0];
}
