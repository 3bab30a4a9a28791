/**
 * aquatic_udp 0.9.0. It takes part if it is in the path: `cargo install aquatic_udp --version 0.9.0 --features io-uring`.
 */
import { freePort } from "../../test/support/free-port.ts";
import { hasProgram, writeConfiguration } from "./program.ts";
import { type Place, Server } from "./server.ts";

const PROGRAM = "aquatic_udp";

/** Peers in an answer: as many as the announces want. */
const PEERS = 50;

/** Starts it with one worker, and io_uring. @returns undefined if it is not there, which is reported. */
export async function startAquatic(place: Place): Promise<Server | undefined> {
  if (!hasProgram(PROGRAM, "see bench/servers/aquatic.ts")) return undefined;
  const port = await freePort();
  const file = writeConfiguration(place, "aquatic.toml", [
    "socket_workers = 1",
    "[network]",
    `address = "127.0.0.1:${port}"`,
    "use_io_uring = true",
    "[protocol]",
    `max_response_peers = ${PEERS}`,
  ]);
  const server = new Server("aquatic_udp (io_uring)", place, [PROGRAM, "-c", file]);
  server.udpPort = port;
  await server.waitUntil("listens", () => server.isBound(port));
  return server;
}
