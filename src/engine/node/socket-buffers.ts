/** Limits the kernel's buffers for unserved requests and unread replies. */
import type { Server } from "node:net";
import { RECEIVE_BUFFER_BYTES, SEND_BUFFER_BYTES } from "../engine.ts";

/**
 * Sets the buffer sizes of a listening socket, which accepted connections inherit. Node has no API for that, so this is
 * a system call on the descriptor, on Linux only. Elsewhere, and where koffi has no build, the system's defaults apply
 * (docs/engines.md).
 * @returns whether the sizes were set.
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
