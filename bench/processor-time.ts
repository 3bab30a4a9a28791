/** Processor time, as Linux counts it. */
import { readFileSync } from "node:fs";

/** The kernel counts in hundredths of a second (USER_HZ) on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/stat's first line (proc_stat(5)), behind its name, in which nothing was done. */
const IDLE = [3, 4];
/** The last two are counted among the others as well. */
const FIELDS = 8;

/** Seconds of processor time: in user mode, and altogether. */
export interface ProcessorTime {
  readonly user: number;
  readonly all: number;
}

/** @returns what all threads of a process have had, or one of them: `PID/task/TID`. */
export function processorTimeOf(pid: number | string): ProcessorTime {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The program's name, in parentheses, may hold anything. The state follows, field 3; 14 and 15 are wanted.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const user = Number(fields[14 - 3]) / TICKS_PER_SECOND;
  return { user, all: user + Number(fields[15 - 3]) / TICKS_PER_SECOND };
}

/** @returns seconds that all processors together were busy for, with what a hypervisor took. */
export function machineSeconds(): number {
  const [line] = readFileSync("/proc/stat", "latin1").split("\n");
  const fields = line
    .trim()
    .split(/ +/)
    .slice(1, 1 + FIELDS);
  return fields.reduce((sum, ticks, i) => sum + (IDLE.includes(i) ? 0 : Number(ticks)), 0) / TICKS_PER_SECOND;
}
