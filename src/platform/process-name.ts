/** The name of this process in ps, top and ss, which would otherwise be Node's. */
import { writeFileSync } from "node:fs";

const NAME = "btrt";

/** Names the process: `btrt` with the arguments in `ps`, and `btrt` alone where only a name is shown. */
export function nameProcess(args: readonly string[]): void {
  process.title = [NAME, ...args].join(" ");
  try {
    // The title is also the name, cut to 15 characters.
    writeFileSync("/proc/self/comm", NAME);
  } catch {
    // There is no such file on other systems.
  }
}
