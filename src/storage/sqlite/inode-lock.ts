/**
 * A lock on a file itself, independent of the name by which it was opened: symbolic links, hard links and bind mounts
 * lead to one file. It is a lock of the open file description (fcntl(2), F_OFD_SETLK) on a byte that SQLite does not use.
 * The system releases it when the process ends. Readers ignore it.
 */
import { constants } from "node:os";

const F_OFD_SETLK = 37;
const F_WRLCK = 1;

/** struct flock on Linux with 64 bits: type and whence (16 bits each), start at 8, length at 16, pid at 24. */
const FLOCK_BYTES = 32;

/** SQLite locks bytes from 2^30 on (sqlite.org/src/file/src/os.h); this byte is far beyond, and never written. */
const LOCK_BYTE = 2n ** 62n;

/** `unsupported`: this system or installation has no such locks. */
export type LockResult = "locked" | "taken" | "unsupported";

/** Locks an open file until it is closed. @param fd opened for writing. */
export async function lockInode(fd: number): Promise<LockResult> {
  const call = await loadFcntl();
  if (call === undefined) return "unsupported";
  const flock = new DataView(new ArrayBuffer(FLOCK_BYTES));
  flock.setInt16(0, F_WRLCK, true);
  flock.setBigInt64(8, LOCK_BYTE, true);
  flock.setBigInt64(16, 1n, true);
  const { result, code } = call(fd, new Uint8Array(flock.buffer));
  if (result === 0) return "locked";
  return code === constants.errno.EAGAIN || code === constants.errno.EACCES ? "taken" : "unsupported";
}

type Fcntl = (fd: number, flock: Uint8Array) => { result: number; code: number };

/** koffi is an optional dependency. */
async function loadFcntl(): Promise<Fcntl | undefined> {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) return undefined;
  try {
    const { default: koffi } = await import("koffi");
    const fcntl: (fd: number, command: number, type: string, flock: Uint8Array) => number = koffi
      .load(null)
      .func("int fcntl(int fd, int command, ...)");
    return (fd, flock) => ({ result: fcntl(fd, F_OFD_SETLK, "void *", flock), code: koffi.errno() });
  } catch {
    return undefined;
  }
}
