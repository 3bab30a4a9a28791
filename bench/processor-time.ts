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
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The program's name, in parentheses, may contain anything. The state follows as field 3; fields 14 and 15 are
  // needed.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const user = Number(fields[14 - 3]) / TICKS_PER_SECOND;
  return { user, all: user + Number(fields[15 - 3]) / TICKS_PER_SECOND };
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
