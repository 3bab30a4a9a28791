/** aquatic_http, without TLS and without a proxy in front: `cargo install --locked aquatic_http --version 0.9.0`. */
import { freePort } from "../../test/support/free-port.ts";
import { hasProgram, isListening, writeConfiguration } from "./program.ts";
import { type Place, Server } from "./server.ts";

const PROGRAM = "aquatic_http";

/**
 * Starts it with one worker of each kind. It does not read `Connection: close`: whether it closes is configured.
 * @returns undefined if it is not there, which is reported.
 */
export async function startAquaticHttp(place: Place, closes: boolean): Promise<Server | undefined> {
  if (!hasProgram(PROGRAM, "see bench/servers/aquatic-http.ts")) return undefined;
  const port = await freePort();
  const file = writeConfiguration(place, "aquatic.toml", [
    "socket_workers = 1",
    "swarm_workers = 1",
    "[network]",
    `address_ipv4 = "127.0.0.1:${port}"`,
    "use_ipv6 = false",
    `keep_alive = ${!closes}`,
    "[cleaning]",
    "torrent_cleaning_interval = 600",
  ]);
  const server = new Server(PROGRAM, place, [PROGRAM, "-c", file]);
  server.port = port;
  server.closesConnections = closes;
  await server.waitUntil("listens", () => isListening(port));
  return server;
}
