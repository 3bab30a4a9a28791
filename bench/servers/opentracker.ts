/** opentracker, as Debian packages it. It serves only listed torrents. */
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import { escapedInfoHash } from "../load/http-requests.ts";
import { infoHash, type Population } from "../load/population.ts";
import { hasProgram } from "./program.ts";
import { type Place, Server } from "./server.ts";

/** Swarms that are checked at its start. */
const TRIED_SWARMS = 50;

/** Starts it for the swarms of a population. @returns undefined if it is not installed, which is reported. */
export async function startOpentracker(place: Place, population: Population): Promise<Server | undefined> {
  if (!hasProgram("opentracker", "Debian: apt-get install opentracker")) return undefined;
  const list = Array.from({ length: population.swarms }, (_, swarm) => {
    return `${Buffer.from(infoHash(population, swarm)).toString("hex")}\n`;
  });
  writeFileSync(join(place.directory, "torrents.txt"), list.join(""));
  // It drops its privileges before it reads the list.
  chmodSync(place.directory, 0o755);
  const port = await freePort();
  const options = `-i 127.0.0.1 -p ${port} -P ${port} -u nobody -w torrents.txt`.split(" ");
  const server = new Server(`opentracker ${version()}`, place, [
    "opentracker",
    ...options,
    "-d",
    place.directory,
  ]);
  server.port = port;
  server.udpPort = port;
  server.closesConnections = true;
  await server.waitUntil("has read its list", () => acceptsAnnounces(port, population));
  return server;
}

/** The date of its source code, which is its only version. */
function version(): string {
  const { stdout } = spawnSync("dpkg-query", ["--show", "opentracker"], { encoding: "utf8" });
  return /\d{8}/.exec(stdout)?.[0] ?? "";
}

/** It listens before it has read and sorted the list. Until then it refuses torrents. */
async function acceptsAnnounces(port: number, population: Population): Promise<boolean> {
  for (let i = 0; i < TRIED_SWARMS; i++) {
    const swarm = Math.floor((population.swarms * i) / TRIED_SWARMS);
    const query = `info_hash=${escapedInfoHash(population, swarm)}&port=9&left=1&event=stopped`;
    const response = await fetch(`http://127.0.0.1:${port}/announce?${query}`).catch(() => undefined);
    if (response === undefined || (await response.text()).includes("failure reason")) return false;
  }
  return true;
}
