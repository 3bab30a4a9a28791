/** Bounds what the kernel keeps of replies that clients do not read. */
import type { Server } from "node:net";
import { SEND_BUFFER_BYTES } from "../engine.ts";

/**
 * Bounds the send buffers of the connections that a listening socket accepts from now on: they inherit its own. Node
 * has no call for that, so it is a system call on the descriptor, and possible on Linux only. Elsewhere, and where koffi
 * has no build, it is the system's to bound them (docs/engines.md).
 * @returns whether they are bounded.
 */
export async function boundSendBuffer(server: Server): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const handle: unknown = Reflect.get(server, "_handle");
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  if (typeof fd !== "number") return false;
  try {
    const [{ setsockopt }, { Memory }, { SOCKET }] = await Promise.all([
      import("../uring/libc.ts"),
      import("../uring/memory.ts"),
      import("../uring/layouts.ts"),
    ]);
    const value = Memory.allocate(4);
    value.words[0] = SEND_BUFFER_BYTES;
    const result = setsockopt(fd, SOCKET.levelSocket, SOCKET.sendBuffer, value.pointerTo(0), 4);
    value.unmap();
    return result === 0;
  } catch {
    return false;
  }
}
