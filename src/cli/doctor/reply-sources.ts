/** Checks that UDP replies have the right source address, on a machine with several. */

import { isInstalled } from "../../config/config-file.ts";
import type { Config } from "../../config/schema.ts";
import { connectionsPerWorker, workerCount } from "../../config/worker-count.ts";
import type { ListenAddress } from "../../engine/engine.ts";
import { localAddresses, uncertainReplySources } from "../../engine/node/local-addresses.ts";
import { probeUring } from "../../engine/uring/probe.ts";
import { formatHostPort } from "../../model/address-text.ts";
import { type Finding, ok, type Subject, warning } from "./finding.ts";
import { askSocketUnit } from "./socket-unit.ts";

/** A placeholder for the descriptor of a socket that systemd holds. */
const HELD = 3;

const REMEDY =
  'list each address in listen.udp, and with ListenDatagram= in "systemctl edit btrt.socket" if that holds the port; ' +
  "or enable io_uring (docs/engines.md)";

/** Determines the engine in use, or the one that would be chosen, and the sockets that systemd holds. */
export async function checkReplySources({ configFile, loaded, running }: Subject): Promise<Finding[]> {
  const { udp } = loaded.config.listen;
  if (udp.length === 0) return [];
  const engine = running?.engine ?? (await likelyEngine(loaded.config));
  const held = isInstalled(configFile) ? await askSocketUnit() : { udp: [] };
  return [judgeReplySources(engine, udp, held.udp, localAddresses())];
}

/** The engine that a tracker would choose if it were started now. */
async function likelyEngine(config: Config): Promise<string> {
  if (config.engine !== "auto") return config.engine;
  const engines = workerCount(config);
  const connections = connectionsPerWorker(config.listen.max_connections, engines);
  return (await probeUring({ engines, connections })) === undefined ? "uring" : "node";
}

/**
 * @param held sockets that systemd holds, in the form of `formatHostPort`.
 * @param all addresses of the machine, from {@link localAddresses}.
 */
export function judgeReplySources(
  engine: string,
  datagrams: readonly ListenAddress[],
  held: readonly string[],
  all: readonly string[],
): Finding {
  const asServed = datagrams.map((address) =>
    held.includes(formatHostPort(address)) ? { ...address, fd: HELD } : address,
  );
  const elsewhere = engine === "node" ? uncertainReplySources(asServed, all).map(formatHostPort) : [];
  if (elsewhere.length === 0) return ok("UDP replies leave from the address that was queried");
  const text = `UDP replies of ${elsewhere.join(", ")} may leave from another address than was queried, and clients drop them: this machine has several addresses, and the engine is node`;
  return warning(text, REMEDY);
}
