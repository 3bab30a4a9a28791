/** Whether UDP replies leave from the address that was asked: the log says where they may not. */
import type { EngineKind } from "../engine/choice.ts";
import type { ListenAddress } from "../engine/engine.ts";
import { uncertainReplySources } from "../engine/node/local-addresses.ts";
import { formatHostPort } from "../model/address-text.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Warns of the addresses that an engine may answer from another of than was asked, and says what to do. */
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
    "this machine has several addresses, and UDP replies may leave from another than was asked, which clients drop: " +
      'name each address in listen.udp (and in btrt.socket, if that holds the port), or see "btrt doctor" for engine: uring',
  );
}
