/** This project's tracker. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Place, Server } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/**
 * Starts it and waits until it is ready. All is at its default, but that clients on this machine may speak for
 * others, and that nothing expires.
 * @param maxPeers `tracker.max_peers`, unless the default will do.
 */
export async function startBtrt(place: Place, maxPeers?: number): Promise<Server> {
  const configFile = join(place.directory, "btrt.conf");
  const tracker = {
    ip_parameter: ["127.0.0.0/8"],
    peer_expiry: 43_200,
    ...(maxPeers === undefined ? {} : { max_peers: maxPeers }),
  };
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify({ listen: { http: ["127.0.0.1:0"], udp: [] }, tracker }));
  const server = new Server("BTRT", place, [process.execPath, MAIN, "run", "--config", configFile]);
  await server.waitUntil("is ready", () => {
    const ready = /"http":\["http:\/\/127\.0\.0\.1:(\d+)\/.*"engine":"(\w+)".*"ready"/.exec(server.output);
    if (ready === null) return false;
    server.port = Number(ready[1]);
    server.name = `BTRT (${ready[2]})`;
    return true;
  });
  return server;
}
