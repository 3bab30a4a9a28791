/** Checks that the addresses to listen on are free, or in use by the running tracker. */

import type { ListenAddress } from "../../engine/engine.ts";
import { assertAddressesFree } from "../../engine/node/address-availability.ts";
import { formatHostPort } from "../../model/address-text.ts";
import { isInstalled } from "../config-file.ts";
import { type Finding, ok, problem, type Subject, unknown } from "./finding.ts";
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
    else if (protocol !== "admin" && held[protocol].includes(text))
      findings.push(ok(`${what} is held for the tracker by btrt.socket`));
    else findings.push(await tryAddress(what, protocol, address));
  }
  for (const protocol of ["http", "udp"] as const) {
    const known = listen[protocol].map(formatHostPort);
    const strange = held[protocol].filter((address) => !known.includes(address));
    const remedy = `add them to listen.${protocol}, or remove them with "systemctl edit btrt.socket"`;
    if (strange.length > 0)
      findings.push(
        problem(
          `btrt.socket holds ${protocol} ${strange.join(", ")}, which the tracker would not serve`,
          remedy,
        ),
      );
  }
  return findings;
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
        const list = `ss -lnp${protocol === "udp" ? "u" : "t"} 'sport = :${address.port}'`;
        return problem(
          `${what} is in use by another program`,
          `"${list}" shows it; stop it, or choose another port`,
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
