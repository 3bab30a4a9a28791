/** nats-servers of one cluster, each beside a tracker. */

import { freePort } from "../../test/support/free-port.ts";
import { toolsMissing } from "../../test/support/tools.ts";
import { type Place, Server } from "./server.ts";

/** Why there can be no servers here; false if there can. */
export const natsMissing = toolsMissing(["nats-server"]);

/** Starts a server in each place, connected with the others. Their `port` is that for trackers. */
export async function startNatsServers(places: readonly Place[]): Promise<Server[]> {
  const routes: string[] = [];
  for (const _ of places) routes.push(`nats://127.0.0.1:${await freePort()}`);
  const servers: Server[] = [];
  for (const [i, place] of places.entries()) {
    const port = await freePort();
    const others = routes.filter((_, other) => other !== i).join(",");
    const cluster = places.length === 1 ? [] : ["--cluster_name", "bench", "--cluster", routes[i]];
    const server = new Server("nats-server", place, [
      ...["nats-server", "-a", "127.0.0.1", "-p", String(port)],
      ...cluster,
      ...(others === "" ? [] : ["--routes", others]),
    ]);
    server.port = port;
    servers.push(server);
  }
  for (const server of servers)
    await server.waitUntil("is connected with the others", () => {
      const found = server.output.match(/Route connection created/g)?.length ?? 0;
      return server.output.includes("Server is ready") && found >= places.length - 1;
    });
  return servers;
}

/** The keys of a tracker that is a node of the cluster. @param secretFile all nodes have the same. */
export function clusterKeys(node: string, nats: Server, secretFile: string): object {
  const cluster = {
    name: "bench",
    node,
    servers: [`nats://127.0.0.1:${nats.port}`],
    secret_file: secretFile,
  };
  return { cluster };
}
