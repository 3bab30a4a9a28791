/** Checks whether io_uring works here: the kernel is recent enough and permits it. */
import { release } from "node:os";

/** The first kernel with all features in use: IORING_SETUP_DEFER_TASKRUN is the latest. */
const LEAST_KERNEL = [6, 1] as const;

const BUFFER_GROUP = 0;

/** The load to check for, and the machine. Defaults: one engine with one connection on this machine. */
export interface ProbeOptions {
  readonly engines?: number;
  /** Connections per engine. */
  readonly connections?: number;
  /** Operating system and kernel release. */
  readonly platform?: string;
  readonly kernel?: string;
}

/** @returns undefined if io_uring works, else the reason, for the log. */
export async function probeUring({
  engines = 1,
  connections = 1,
  platform = process.platform,
  kernel = release(),
}: ProbeOptions = {}): Promise<string | undefined> {
  if (platform !== "linux") return `io_uring exists on Linux only, and this is ${platform}`;
  const [major, minor] = kernel.split(".").map(Number);
  if (major < LEAST_KERNEL[0] || (major === LEAST_KERNEL[0] && minor < LEAST_KERNEL[1])) {
    return `Linux ${kernel} is older than ${LEAST_KERNEL.join(".")}`;
  }
  try {
    // Imported only here and by the engine: koffi is an optional dependency.
    const [{ Ring }, { InputBuffers }] = await Promise.all([
      import("./ring.ts"),
      import("./input-buffers.ts"),
    ]);
    const opened: { close(): void }[] = [];
    try {
      // All at the same time: their memory adds up.
      for (let engine = 0; engine < engines; engine++) {
        const ring = Ring.forConnections(connections);
        opened.push(ring);
        if (!ring.knowsOperations()) return "this kernel's io_uring lacks some operations";
        opened.push(new InputBuffers(ring, BUFFER_GROUP));
      }
    } finally {
      for (const each of opened) each.close();
    }
  } catch (error) {
    return explain(error);
  }
  return undefined;
}

function explain(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : "";
  switch (code) {
    case "EPERM":
      return "io_uring is refused (EPERM): by seccomp, as in most containers, or by sysctl kernel.io_uring_disabled";
    case "ENOSYS":
      return "io_uring is refused (ENOSYS): the kernel lacks it, or seccomp hides it";
    case "ENOMEM":
      return "io_uring is refused (ENOMEM): raise the limit of locked memory (ulimit -l)";
    case "ERR_MODULE_NOT_FOUND":
    case "MODULE_NOT_FOUND":
      return "the package koffi is not installed";
    default:
      return `io_uring is unavailable: ${error instanceof Error ? error.message : String(error)}`;
  }
}
