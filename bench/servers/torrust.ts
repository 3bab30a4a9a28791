/** torrust-tracker: `cargo install --locked torrust-tracker --version 3.0.0`. */
import { freePort } from "../../test/support/free-port.ts";
import { hasProgram, isListening, writeConfiguration } from "./program.ts";
import { type Place, Server } from "./server.ts";

const PROGRAM = "torrust-tracker";

/** Starts it, open to all torrents, without its statistics. @returns undefined if it is not there, which is reported. */
export async function startTorrust(place: Place): Promise<Server | undefined> {
  if (!hasProgram(PROGRAM, "see bench/servers/torrust.ts")) return undefined;
  const port = await freePort();
  const file = writeConfiguration(place, "tracker.toml", [
    "[metadata]",
    'app = "torrust-tracker"',
    'purpose = "configuration"',
    'schema_version = "2.0.0"',
    "[logging]",
    'threshold = "error"',
    "[core]",
    "listed = false",
    "private = false",
    "tracker_usage_statistics = false",
    "[core.database]",
    'driver = "sqlite3"',
    'path = "./sqlite3.db"',
    "[core.tracker_policy]",
    "persistent_torrent_completed_stat = false",
    "remove_peerless_torrents = false",
    "[[udp_trackers]]",
    `bind_address = "127.0.0.1:${port}"`,
    "[[http_trackers]]",
    `bind_address = "127.0.0.1:${port}"`,
    "[health_check_api]",
    'bind_address = "127.0.0.1:0"',
  ]);
  const server = new Server("torrust", place, ["env", `TORRUST_TRACKER_CONFIG_TOML_PATH=${file}`, PROGRAM]);
  server.port = port;
  server.udpPort = port;
  server.compresses = true;
  await server.waitUntil("listens", async () => server.isBound(port) && (await isListening(port)));
  return server;
}
