/**
 * Finds the sockets that systemd holds for the service (btrt.socket), so that no connection is refused during a
 * restart.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const UNIT = "btrt.socket";

/** The held sockets by protocol, in the form of `formatHostPort`. */
export interface HeldSockets {
  readonly http: readonly string[];
  readonly udp: readonly string[];
}

const NONE: HeldSockets = { http: [], udp: [] };

/** Queries systemd. No socket is held if systemd does not run or the unit is inactive. */
export async function askSocketUnit(): Promise<HeldSockets> {
  const show = ["show", UNIT, "--property=ActiveState", "--property=Listen"];
  const { stdout } = await promisify(execFile)("systemctl", show).catch(() => ({ stdout: "" }));
  return /^ActiveState=active$/m.test(stdout) ? parseSocketUnit(stdout) : NONE;
}

/** Parses lines such as `Listen=[::]:80 (Stream)`. */
function parseSocketUnit(text: string): HeldSockets {
  const of = (type: string) =>
    [...text.matchAll(/^Listen=(\S+) \((\w+)\)$/gm)]
      .filter((line) => line[2] === type)
      .map(([, address]) => address);
  return { http: of("Stream"), udp: of("Datagram") };
}
