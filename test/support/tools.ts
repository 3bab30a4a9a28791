/** Real programs that tests run, and their Debian packages. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** By package: how to detect it. */
const CHECKS = {
  aria2: () => isProgram("aria2c"),
  rtorrent: () => isProgram("rtorrent"),
  "transmission-cli": () => isProgram("transmission-cli"),
  // Debian builds it only for its own Python, whatever python3 is first in the PATH.
  "python3-libtorrent": () => spawnSync("/usr/bin/python3", ["-c", "import libtorrent"]).status === 0,
  mktorrent: () => isProgram("mktorrent"),
  openssl: () => isProgram("openssl"),
  opentracker: () => isProgram("opentracker"),
  bird2: () => isProgram("bird") && isProgram("birdc"),
  keepalived: () => isProgram("keepalived"),
  haproxy: () => isProgram("haproxy"),
  "nginx-light": () => isProgram("nginx"),
  // Debian's service of it listens on loopback only. Tests start servers of their own.
  "nats-server": () => isProgram("nats-server"),
  "mariadb-server": () => isProgram("mariadbd") && isProgram("mariadb-install-db"),
  rpm: () => isProgram("rpmbuild"),
  "apt-utils": () => isProgram("apt-ftparchive"),
  "createrepo-c": () => isProgram("createrepo_c"),
  dnf: () => isProgram("dnf"),
  gnupg: () => isProgram("gpg"),
  lintian: () => isProgram("lintian"),
  mmdebstrap: () => isProgram("mmdebstrap"),
  binutils: () => isProgram("strip"),
  systemd: () => isProgram("systemd-analyze"),
  "systemd-container": () => isProgram("systemd-nspawn"),
  iproute2: () => isProgram("ip"),
  nftables: () => isProgram("nft"),
  prometheus: () => isProgram("promtool"),
  bsdutils: () => isProgram("script"),
  bind9: () => isProgram("named") && isProgram("named-checkconf"),
  unbound: () => isProgram("unbound-checkconf"),
  "dnsmasq-base": () => isProgram("dnsmasq"),
  mandoc: () => isProgram("mandoc"),
  "groff-base": () => isProgram("groff"),
  zsh: () => isProgram("zsh"),
  fish: () => isProgram("fish"),
  chromium: () => isProgram("chromium"),
} as const satisfies Record<string, () => boolean>;

/** A Debian package that a test needs. */
export type Tool = keyof typeof CHECKS;

/** All packages that tests need. */
export const TOOLS = Object.keys(CHECKS) as Tool[];

/** The packages among these that are not installed. */
export function findMissing(tools: readonly Tool[]): Tool[] {
  return tools.filter((tool) => !CHECKS[tool]());
}

/**
 * For `{ skip: toolsMissing([...]) }`: why a test cannot run, or false if it can.
 * @throws Error under CI, where no test may be skipped.
 */
export function toolsMissing(tools: readonly Tool[]): string | false {
  const missing = findMissing(tools);
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(", ")}`;
  if (process.env.CI) throw new Error(`${reason}: run "node test/install-tools.ts" as root`);
  return reason;
}

/** Whether a program is in the path. */
export function isProgram(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
