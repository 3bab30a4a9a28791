/** Checks that the addresses to listen on are free, or in use by the running tracker. */

import { isInstalled } from "../../config/config-file.ts";
import type { ListenAddress } from "../../engine/engine.ts";
import { assertAddressesFree } from "../../engine/node/address-availability.ts";
import { formatHostPort } from "../../model/address-text.ts";
import { findPortOwner } from "../../platform/port-owner.ts";
import { type Finding, ok, problem, type Subject, unknown, warning } from "./finding.ts";
import { askSocketUnit } from "./socket-unit.ts";

type Protocol = "http" | "udp" | "admin";

/** Returns a finding for each address, and for each that systemd holds but the configuration lacks. */
export async function checkPorts({ configFile, loaded, running }: Subject): Promise<Finding[]> {
  const { listen, admin } = loaded.config;
  const held = isInstalled(configFile) ? await askSocketUnit() : { http: [], udp: [] };
  const wanted: (readonly [Protocol, ListenAddress])[] = [
    ...listen.http.map((address) => ["http", address] as const),
    ...listen.udp.map((address) => ["udp", address] as const),
    ["admin", admin.listen],
  ];
  const findings: Finding[] = [];
  // Sequentially, as addresses may overlap.
  for (const [protocol, address] of wanted) {
    const text = formatHostPort(address);
    const what = `${protocol} ${text}`;
    const url = `${protocol}://${text}/announce`;
    const isOurs = running !== undefined && (protocol === "admin" || running.announceUrls.includes(url));
    if (isOurs) findings.push(ok(`${what} is in use by the running tracker`));
    else if (protocol !== "admin" && held[protocol].some((each) => includesAddress(each, text)))
      findings.push(ok(`${what} is held for the tracker by btrt.socket`));
    else findings.push(await tryAddress(what, protocol, address));
  }
  for (const protocol of ["http", "udp"] as const) {
    const known = listen[protocol].map(formatHostPort);
    const further = held[protocol].filter((each) => !known.some((address) => includesAddress(each, address)));
    findings.push(...further.map((address) => judgeFurther(protocol, address, listen[protocol].length > 0)));
  }
  return findings;
}

/** Whether a socket of systemd accepts the clients of an address; `[::]` accepts IPv4 as well. */
function includesAddress(held: string, address: string): boolean {
  const port = held.slice(held.lastIndexOf(":"));
  const all = address.startsWith("[") ? [`[::]${port}`] : [`[::]${port}`, `0.0.0.0${port}`];
  return address.endsWith(port) && [address, ...all].includes(held);
}

/** Judges a socket of btrt.socket that is not in the configuration. The tracker serves it, unless UDP is disabled. */
function judgeFurther(protocol: "http" | "udp", address: string, isEnabled: boolean): Finding {
  const text = `btrt.socket holds ${protocol} ${address}, which is not in listen.${protocol}`;
  if (isEnabled) return ok(`${text}: the tracker serves it, too`);
  return warning(`${text}: nothing answers there`, 'remove it with "systemctl edit btrt.socket"');
}

async function tryAddress(what: string, protocol: Protocol, address: ListenAddress): Promise<Finding> {
  try {
    const [streams, datagrams] = protocol === "udp" ? [[], [address]] : [[address], []];
    await assertAddressesFree({ streams, datagrams });
    return ok(`${what} is free`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    switch (code) {
      case "EADDRINUSE": {
        const owner = findPortOwner(address.port);
        const list = `ss -lnp${protocol === "udp" ? "u" : "t"} 'sport = :${address.port}'`;
        const find = owner === undefined ? `as root, "${list}" shows it; ` : "";
        return problem(
          `${what} is in use by ${owner ?? "another program"}`,
          `${find}stop it, or choose another port`,
        );
      }
      case "EACCES":
        return problem(
          `${what} is not allowed to this user`,
          "ports below 1024 need CAP_NET_BIND_SERVICE, which the service has; otherwise choose a higher port",
        );
      case "EADDRNOTAVAIL":
        return problem(`${what} is not an address of this machine`, "choose one that it has, or [::]");
      default:
        return unknown(`${what}: ${error instanceof Error ? error.message : error}`);
    }
  }
}
