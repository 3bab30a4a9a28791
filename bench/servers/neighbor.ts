/** Partners' trackers that reply, on the load generator's core. */
import { fileURLToPath } from "node:url";
import { type Place, Server } from "./server.ts";

const PROGRAM = fileURLToPath(new URL("./neighbor-program.ts", import.meta.url));

/** Starts one. */
export async function startNeighbor(place: Place): Promise<Server> {
  const server = new Server("neighbor", place, [process.execPath, PROGRAM]);
  await server.waitUntil("listens", () => {
    server.port = Number(/^port (\d+)$/m.exec(server.output)?.[1] ?? 0);
    return server.port !== 0;
  });
  return server;
}

/** Announces that it has received. */
export async function countAnnounces({ port }: Server): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/count`);
  return Number(await response.text());
}
