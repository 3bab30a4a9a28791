/** Finds listeners that cannot be opened together, because one includes the address of another. */
import type { ListenAddress } from "../engine/engine.ts";
import { formatHostPort, parseAddress } from "../model/address-text.ts";
import type { KeyPath } from "./problem.ts";
import type { Config } from "./schema.ts";

/** A listener that cannot be opened. */
export interface Conflict {
  readonly path: KeyPath;
  /** The listener before it that has the address. */
  readonly otherPath: KeyPath;
  readonly message: string;
}

interface Listener {
  readonly path: KeyPath;
  readonly address: ListenAddress;
}

/** Finds the conflicts between the addresses of one protocol, of HTTP and the admin listener, or of UDP. */
export function findAddressConflicts({ listen, admin }: Pick<Config, "listen" | "admin">): Conflict[] {
  const listeners = (key: "http" | "udp"): Listener[] =>
    listen[key].map((address, i) => ({ path: ["listen", key, i], address }));
  const adminListener = { path: ["admin", "listen"], address: admin.listen };
  return [...conflictsOf([...listeners("http"), adminListener]), ...conflictsOf(listeners("udp"))];
}

/** The first conflict of each listener with one before it. */
function conflictsOf(listeners: readonly Listener[]): Conflict[] {
  return listeners.flatMap(({ path, address }, i) => {
    const other = listeners.slice(0, i).find((before) => conflict(before, { path, address }));
    if (other === undefined) return [];
    const [mine, theirs] = [address, other.address].map((each) => `"${formatHostPort(each)}"`);
    const key = other.path.slice(0, 2).join(".");
    const what = includes(other.address, address)
      ? includes(address, other.address)
        ? `is also in ${key}`
        : `is included in ${theirs} of ${key}`
      : `includes ${theirs} of ${key}`;
    const isAdmin = path[0] === "admin";
    const remedy = isAdmin
      ? `choose another port, such as ${portBeside(address.port)}`
      : "remove one of them";
    return [{ path, otherPath: other.path, message: `${mine} ${what}: ${remedy}` }];
  });
}

/** Port 0 is any free port. In one list, `[::]` leaves IPv4 to `0.0.0.0`. */
function conflict(one: Listener, other: Listener): boolean {
  const [a, b] = [one.address, other.address];
  if (a.port !== b.port || a.port === 0) return false;
  const isPair = one.path[0] === other.path[0] && [a.host, b.host].sort().join() === "0.0.0.0,::";
  return !isPair && (includes(a, b) || includes(b, a));
}

/** Whether the outer listener accepts all connections of the inner one. */
function includes(outer: ListenAddress, inner: ListenAddress): boolean {
  if (outer.host === "::") return true;
  if (outer.host === "0.0.0.0") return !inner.host.includes(":");
  return parseAddress(outer.host).equals(parseAddress(inner.host));
}

function portBeside(port: number): number {
  return port === 65535 ? port - 1 : port + 1;
}
