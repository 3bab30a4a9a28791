/** Warns if UDP replies may leave from another address than the request was sent to. */
import type { EngineKind } from "../engine/choice.ts";
import type { ListenAddress } from "../engine/engine.ts";
import { uncertainReplySources } from "../engine/node/local-addresses.ts";
import { formatHostPort } from "../model/address-text.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Logs the listening addresses for which this may happen, and what to do. */
export function warnOfReplySources(
  log: Logger,
  engine: EngineKind,
  datagrams: readonly ListenAddress[],
): void {
  if (engine !== "node") return;
  const udp = uncertainReplySources(datagrams).map(formatHostPort);
  if (udp.length === 0) return;
  log.warning(
    { udp },
    "this machine has several addresses: a UDP reply may leave from another one than was asked, and clients drop it; " +
      'name each address in listen.udp (and in btrt.socket, if that holds the port), or see "btrt doctor" for engine: uring',
  );
}
