/** npm's bittorrent-tracker. It is not a dependency of this project: it is installed in bench/peers on demand. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "../../test/support/free-port.ts";
import { isListening } from "./program.ts";
import { type Place, Server } from "./server.ts";

const PEERS = fileURLToPath(new URL("../peers", import.meta.url));
const PACKAGE = `${PEERS}/node_modules/bittorrent-tracker`;
const PROGRAM = `${PACKAGE}/bin/cmd.js`;

/** A heap so large that garbage collection takes little time. */
const HEAP_MB = 8192;

/** Its `peersCacheLength`. */
const SWARM_LIMIT = 1000;

/** Starts it. @returns undefined if it cannot be installed, which is reported. */
export async function startBittorrentTracker(place: Place): Promise<Server | undefined> {
  if (!existsSync(PROGRAM) && !install()) {
    console.log("bittorrent-tracker: left out, as it could not be installed");
    return undefined;
  }
  const { version } = JSON.parse(readFileSync(`${PACKAGE}/package.json`, "utf8"));
  const port = await freePort();
  const where = `--http --http-hostname 127.0.0.1 --udp --udp-hostname 127.0.0.1 --port ${port}`;
  // With its statistics it lists all swarms at every HTTP request: 20 ms for 100,000.
  const options = `${where} --no-stats --quiet`.split(" ");
  const server = new Server(`bittorrent-tracker ${version}`, place, [
    process.execPath,
    `--max-old-space-size=${HEAP_MB}`,
    PROGRAM,
    ...options,
  ]);
  server.port = port;
  server.swarmLimit = SWARM_LIMIT;
  server.udpPort = port;
  await server.waitUntil("listens", () => isListening(port));
  return server;
}

function install(): boolean {
  const options = ["ci", "--prefix", PEERS, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  return spawnSync("npm", options, { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
}
