/** Finds the program that has a port, for messages. */
import { spawnSync } from "node:child_process";

const TIMEOUT_MS = 2000;

/** Describes the program that listens at a port, such as `nginx (process 123)`. Undefined if this user may not see it. */
export function findPortOwner(port: number): string | undefined {
  const list = ["-H", "-l", "-n", "-t", "-u", "-p", `sport = :${port}`];
  const { stdout } = spawnSync("ss", list, { encoding: "utf8", timeout: TIMEOUT_MS });
  const [, name, pid] = /users:\(\("([^"]+)",pid=(\d+)/.exec(stdout ?? "") ?? [];
  return name === undefined ? undefined : `${name} (process ${pid})`;
}

/** Explains that an address is in use, and by which program. @param address `HOST:PORT`. */
export function explainAddressInUse(address: string): string {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const owner = findPortOwner(port);
  return owner === undefined
    ? `${address} is in use by another program: stop it, or choose another port; as root, "ss -lntup sport = :${port}" shows it`
    : `${address} is in use by ${owner}: stop it, or choose another port`;
}
