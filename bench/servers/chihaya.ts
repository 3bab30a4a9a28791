/** chihaya, with its store in memory: `go build ./cmd/chihaya` in a clone of its repository. */
import { freePort } from "../../test/support/free-port.ts";
import { hasProgram, isListening, writeConfiguration } from "./program.ts";
import { type Place, Server } from "./server.ts";

const PROGRAM = "chihaya";

/** Starts it, with its example's settings but for kept connections. @returns undefined if it is not there, which is reported. */
export async function startChihaya(place: Place): Promise<Server | undefined> {
  if (!hasProgram(PROGRAM, "see bench/servers/chihaya.ts")) return undefined;
  const port = await freePort();
  const answers = { max_numwant: 100, default_numwant: 50, max_scrape_infohashes: 50 };
  const address = `127.0.0.1:${port}`;
  const configuration = {
    announce_interval: "30m",
    min_announce_interval: "15m",
    metrics_addr: "127.0.0.1:0",
    http: {
      addr: address,
      read_timeout: "5s",
      write_timeout: "5s",
      enable_keepalive: true,
      idle_timeout: "30s",
      announce_routes: ["/announce"],
      scrape_routes: ["/scrape"],
      ...answers,
    },
    udp: { addr: address, max_clock_skew: "10s", private_key: "a key for connection ids", ...answers },
    storage: { name: "memory", config: { gc_interval: "3m", peer_lifetime: "31m", shard_count: 1024 } },
  };
  // JSON is YAML.
  const file = writeConfiguration(place, "chihaya.yaml", [JSON.stringify({ chihaya: configuration })]);
  const server = new Server(PROGRAM, place, [PROGRAM, "--config", file]);
  server.port = port;
  server.udpPort = port;
  await server.waitUntil("listens", async () => server.isBound(port) && (await isListening(port)));
  return server;
}
