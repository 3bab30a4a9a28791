/** vvampirius/retracker, the one that operators run: `go build` in a clone of its repository. HTTP only. */
import { freePort } from "../../test/support/free-port.ts";
import { hasProgram, isListening } from "./program.ts";
import { type Place, Server } from "./server.ts";

const PROGRAM = "retracker";

/** Starts it. @returns undefined if it is not there, which is reported. */
export async function startRetracker(place: Place): Promise<Server | undefined> {
  if (!hasProgram(PROGRAM, "see bench/servers/retracker.ts")) return undefined;
  const port = await freePort();
  // It writes a line for every announce, with or without -d.
  const server = new Server(PROGRAM, place, [PROGRAM, "-l", `127.0.0.1:${port}`], "dropped");
  server.port = port;
  await server.waitUntil("listens", () => isListening(port));
  return server;
}
