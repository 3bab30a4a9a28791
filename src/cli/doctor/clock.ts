/** Whether the machine's clock is kept right: logs, totals of hours and days, and certificates go by it. */
import { type Finding, ok, unknown, warning } from "./finding.ts";

/** More than Linux' `struct timex` (linux/timex.h), whose first field `modes`, 0, says to change nothing. */
const TIMEX_BYTES = 512;

/** What adjtimex(2) returns while nothing synchronises the clock. */
const TIME_ERROR = 5;

/** Asks the kernel, which every time daemon tells. */
export async function checkClock(): Promise<Finding[]> {
  if (process.platform !== "linux")
    return [unknown(`how ${process.platform} keeps its clock is not known here`)];
  const { default: koffi } = await import("koffi");
  const adjtimex: (timex: Uint8Array) => number = koffi.load(null).func("int adjtimex(void *timex)");
  return [judgeClock(adjtimex(new Uint8Array(TIMEX_BYTES)))];
}

/** @param state what adjtimex returned. */
export function judgeClock(state: number): Finding {
  if (state < 0) return unknown("the kernel does not tell (a container?); see it on the host");
  if (state !== TIME_ERROR) return ok("synchronised");
  return warning(
    "nothing synchronises it",
    "run chrony, systemd-timesyncd or ntpd here, or on the host of a container",
  );
}
