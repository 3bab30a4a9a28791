/** Bounds what the kernel keeps of requests that are not served yet, and of replies that clients do not read. */
import type { Server } from "node:net";
import { RECEIVE_BUFFER_BYTES, SEND_BUFFER_BYTES } from "../engine.ts";

/**
 * Bounds the buffers of the connections that a listening socket accepts from now on: they inherit its own. Node
 * has no call for that, so it is a system call on the descriptor, and possible on Linux only. Elsewhere, and where koffi
 * has no build, it is the system's to bound them (docs/engines.md).
 * @returns whether they are bounded.
 */
export async function boundBuffers(server: Server): Promise<boolean> {
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
    const set = (option: number, bytes: number) => {
      value.words[0] = bytes;
      return setsockopt(fd, SOCKET.levelSocket, option, value.pointerTo(0), 4) === 0;
    };
    const areBounded =
      set(SOCKET.sendBuffer, SEND_BUFFER_BYTES) && set(SOCKET.receiveBuffer, RECEIVE_BUFFER_BYTES);
    value.unmap();
    return areBounded;
  } catch {
    return false;
  }
}
