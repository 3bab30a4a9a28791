/** Whether UDP replies leave from the address that was asked, on a machine with several. */
import type { Config } from "../../config/schema.ts";
import { connectionsPerWorker, workerCount } from "../../config/worker-count.ts";
import type { ListenAddress } from "../../engine/engine.ts";
import { localAddresses, uncertainReplySources } from "../../engine/node/local-addresses.ts";
import { probeUring } from "../../engine/uring/probe.ts";
import { formatHostPort } from "../../model/address-text.ts";
import { isInstalled } from "../config-file.ts";
import { type Finding, ok, type Subject, warning } from "./finding.ts";
import { askSocketUnit } from "./socket-unit.ts";

/** Stands for the descriptor of a socket that systemd holds: which number it will have does not matter. */
const HELD = 3;

const REMEDY =
  'name each address in listen.udp, and with ListenDatagram= in "systemctl edit btrt.socket" if that holds the port; ' +
  "or have io_uring (docs/engines.md)";

/** Asks which engine serves, or would, and which sockets systemd holds. */
export async function checkReplySources({ configFile, loaded, running }: Subject): Promise<Finding[]> {
  const { udp } = loaded.config.listen;
  if (udp.length === 0) return [];
  const engine = running?.engine ?? (await likelyEngine(loaded.config));
  const held = isInstalled(configFile) ? await askSocketUnit() : { udp: [] };
  return [judgeReplySources(engine, udp, held.udp, localAddresses())];
}

/** The engine that a tracker would take that is started now. */
async function likelyEngine(config: Config): Promise<string> {
  if (config.engine !== "auto") return config.engine;
  const engines = workerCount(config);
  const connections = connectionsPerWorker(config.listen.max_connections, engines);
  return (await probeUring({ engines, connections })) === undefined ? "uring" : "node";
}

/**
 * @param held what systemd holds, as `formatHostPort` writes it.
 * @param all addresses of the machine, as {@link localAddresses} finds them.
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
  if (elsewhere.length === 0) return ok("UDP replies leave from the address that was asked");
  const text = `UDP replies of ${elsewhere.join(", ")} may leave from another address than was asked, and clients drop them: this machine has several, and the engine is node`;
  return warning(text, REMEDY);
}
