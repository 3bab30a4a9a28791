/** Memory that counts as this process's, and that it does not use: of the program itself, and of the C library. */
import { readFileSync } from "node:fs";

/** madvise(2): the kernel forgets the pages of a mapping; those of a file are read again when they are used. */
const DONT_NEED = 4;

/** A mapping in smaps (proc_pid_smaps(5)): its addresses, its access rights, its file. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (r-[x-]p) \S+ \S+ [1-9]\d* +(.+)$/;

/** A part of the address space. */
export interface Mapped {
  readonly start: bigint;
  readonly length: number;
}

/**
 * Finds the mappings of a file that cannot be written, and have no page that differs from the file.
 * @param smaps the text of /proc/PID/smaps.
 */
export function readOnlyMappings(smaps: string, file: string): Mapped[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((text) => {
    const [head] = text.split("\n");
    const [, start, end, , path] = MAPPING.exec(head) ?? [];
    if (path !== file || !/^Anonymous: +0 kB$/m.test(text)) return [];
    return [{ start: BigInt(`0x${start}`), length: Number(BigInt(`0x${end}`) - BigInt(`0x${start}`)) }];
  });
}

/** The mappings of Node's program file, once they have been looked for. They do not change while it runs. */
let programMappings: readonly Mapped[] | undefined;

/**
 * Forgets the pages of Node's program file. Most of them only the start needs, or the compilation of a new load. The kernel
 * keeps them in its page cache as long as it has room, and maps those that are used again; that takes a microsecond for
 * sixteen pages.
 * @returns the bytes of the mappings; 0 where it is not possible.
 */
export async function forgetProgramPages(): Promise<number> {
  try {
    const { madvise } = await import("./uring/libc.ts");
    programMappings ??= readOnlyMappings(readFileSync("/proc/self/smaps", "latin1"), process.execPath);
    for (const { start, length } of programMappings) madvise(start, length, DONT_NEED);
    return programMappings.reduce((sum, { length }) => sum + length, 0);
  } catch {
    // Without koffi, or on another system, the pages stay.
    return 0;
  }
}

/**
 * Returns free memory of malloc(3) to the system. V8 compiles the functions of an announce in tens of megabytes, on several
 * threads, and the C library keeps them for each thread: they would be as much as half a million peers. With nothing to
 * return it takes a third of a millisecond.
 */
export async function returnFreeMemory(): Promise<void> {
  try {
    const { mallocTrim } = await import("./uring/libc.ts");
    mallocTrim();
  } catch {
    // Without koffi, or with another C library, the memory stays.
  }
}
