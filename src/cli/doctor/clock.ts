/** Checks that the machine's clock is synchronized: logs, hourly and daily totals, and certificates depend on it. */
import { type Finding, ok, unknown, warning } from "./finding.ts";

/** More than the size of Linux' `struct timex` (linux/timex.h). Its first field, `modes`, is 0: nothing is changed. */
const TIMEX_BYTES = 512;

/** Result of adjtimex(2) while the clock is not synchronized. */
const TIME_ERROR = 5;

/** Queries the kernel, which all time daemons update. */
export async function checkClock(): Promise<Finding[]> {
  if (process.platform !== "linux")
    return [unknown(`clock synchronization cannot be checked on ${process.platform}`)];
  const { default: koffi } = await import("koffi");
  const adjtimex: (timex: Uint8Array) => number = koffi.load(null).func("int adjtimex(void *timex)");
  return [judgeClock(adjtimex(new Uint8Array(TIMEX_BYTES)))];
}

/** @param state the result of adjtimex. */
export function judgeClock(state: number): Finding {
  if (state < 0) return unknown("the kernel does not report it (a container?); check it on the host");
  if (state !== TIME_ERROR) return ok("synchronized");
  return warning(
    "the clock is not synchronized",
    "run chrony, systemd-timesyncd or ntpd here, or on the host of a container",
  );
}
