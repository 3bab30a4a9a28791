/** The sockets that systemd holds for the service, so that restarts refuse nobody (btrt.socket). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const UNIT = "btrt.socket";

/** By protocol, as `formatHostPort` writes them. */
export interface HeldSockets {
  readonly http: readonly string[];
  readonly udp: readonly string[];
}

const NONE: HeldSockets = { http: [], udp: [] };

/** Asks systemd. Nothing is held where it does not run, or the unit is not active. */
export async function askSocketUnit(): Promise<HeldSockets> {
  const show = ["show", UNIT, "--property=ActiveState", "--property=Listen"];
  const { stdout } = await promisify(execFile)("systemctl", show).catch(() => ({ stdout: "" }));
  return /^ActiveState=active$/m.test(stdout) ? parseSocketUnit(stdout) : NONE;
}

/** Reads lines such as `Listen=[::]:80 (Stream)`. */
function parseSocketUnit(text: string): HeldSockets {
  const of = (type: string) =>
    [...text.matchAll(/^Listen=(\S+) \((\w+)\)$/gm)]
      .filter((line) => line[2] === type)
      .map(([, address]) => address);
  return { http: of("Stream"), udp: of("Datagram") };
}
