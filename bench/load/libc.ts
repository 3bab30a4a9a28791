/**
 * The C library's functions that the load generator calls besides those of src/engine/uring/libc.ts, through koffi. A
 * generator made of `node:net` and `node:dgram` costs several times what the servers do, and none of them is busy then.
 */
import koffi from "koffi";
import type { Pointer } from "../../src/engine/uring/libc.ts";

const library = koffi.load(null);

/** connect(2). On the loopback a connection is there when it returns. */
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
