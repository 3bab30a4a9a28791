/**
 * Functions of the C library that the load generator calls besides those of src/engine/uring/libc.ts, through koffi. A
 * generator with `node:net` and `node:dgram` would need several times the processor time of the servers, so that none
 * of them would be busy.
 */
import koffi from "koffi";
import type { Pointer } from "../../src/engine/uring/libc.ts";

const library = koffi.load(null);

/** connect(2). On the loopback it returns when the connection is established. */
export const connect: (fd: number, address: Pointer, bytes: number) => number = library.func(
  "int connect(int fd, void *address, uint32_t bytes)",
);

/** send(2). */
export const send: (fd: number, bytes: Pointer, length: number, flags: number) => number = library.func(
  "int64_t send(int fd, void *bytes, size_t length, int flags)",
);

/** recv(2). */
export const recv: (fd: number, bytes: Pointer, length: number, flags: number) => number = library.func(
  "int64_t recv(int fd, void *bytes, size_t length, int flags)",
);
