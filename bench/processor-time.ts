/** Processor time, as Linux counts it. */
import { readFileSync } from "node:fs";

/** The kernel counts in hundredths of a second (USER_HZ) on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Fields of the first line of /proc/stat (proc_stat(5)), after its name, that count idle time. */
const IDLE = [3, 4];
/** The last two are included in others. */
const FIELDS = 8;

/** Seconds of processor time: in user mode, and in total. */
export interface ProcessorTime {
  readonly user: number;
  readonly all: number;
}

/** @returns the time of all threads of a process, or of one thread: `PID/task/TID`. */
export function processorTimeOf(pid: number | string): ProcessorTime {
  const [user, system] = timesOf(pid);
  return { user, all: user + system };
}

/** @returns the seconds of a process, and of those of its children that have ended. */
export function secondsWithChildren(pid: number): number {
  return timesOf(pid).reduce((sum, seconds) => sum + seconds);
}

/** Seconds in user mode and in the kernel, and the same of children. */
function timesOf(pid: number | string): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The program's name, in parentheses, may contain anything. The state follows as field 3; fields 14 to 17 are needed.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(14 - 3, 18 - 3).map((ticks) => Number(ticks) / TICKS_PER_SECOND);
}

/** @returns seconds for which all processors together were busy, including time taken by a hypervisor. */
export function machineSeconds(): number {
  const [line] = readFileSync("/proc/stat", "latin1").split("\n");
  const fields = line
    .trim()
    .split(/ +/)
    .slice(1, 1 + FIELDS);
  return fields.reduce((sum, ticks, i) => sum + (IDLE.includes(i) ? 0 : Number(ticks)), 0) / TICKS_PER_SECOND;
}
