/** This project's tracker. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EngineKind } from "../../src/engine/choice.ts";
import { SOURCES, sourcePrefix } from "../load/population.ts";
import { type Place, Server } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** Prefixes of peer groups. */
export const PREFIXES = 10_000;
const GROUPS = 3;

/** How it is set up. */
export interface BtrtSettings {
  readonly engine: EngineKind;
  readonly workers: number;
  /** `tracker.max_peers`, unless the default will do. */
  readonly maxPeers?: number;
  /** What else is not at its default. */
  readonly keys?: object;
}

/**
 * Starts it and waits until it is ready. All is at its default, but that clients on this machine may speak for others,
 * and that there are three groups of peers with prefixes as an operator has them, and each a third of the sources.
 */
export async function startBtrt(
  place: Place,
  { engine, workers, maxPeers, keys }: BtrtSettings,
): Promise<Server> {
  const configFile = join(place.directory, "btrt.conf");
  const config = {
    listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] },
    admin: { listen: "127.0.0.1:0" },
    engine,
    workers,
    // Peers come from a few addresses.
    tracker: {
      ip_parameter: ["127.0.0.0/8"],
      max_peers_per_address: 1000,
      ...(maxPeers === undefined ? {} : { max_peers: maxPeers }),
    },
    peer_groups: makeGroups(),
    ...keys,
  };
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(config));
  const server = new Server("BTRT", place, [process.execPath, MAIN, "run", "--config", configFile]);
  await server.waitUntil("is ready", () => {
    const ready =
      /"http":\["http:\/\/127\.0\.0\.1:(\d+)\/.*"udp":\["udp:\/\/127\.0\.0\.1:(\d+)\/.*"engine":"(\w+)".*"ready"/.exec(
        server.output,
      );
    if (ready === null) return false;
    server.port = Number(ready[1]);
    server.udpPort = Number(ready[2]);
    server.name = `BTRT (${ready[3]})`;
    return true;
  });
  return server;
}

/** Groups that reach one another: the sources' addresses are private ones. */
function makeGroups(): object[] {
  const names = Array.from({ length: GROUPS }, (_, group) => `group ${group}`);
  return names.map((name, priority) => ({
    name,
    priority,
    cidr_list: makePrefixes().filter((_, i) => i % GROUPS === priority),
    reachable_from: names.filter((other) => other !== name),
  }));
}

/** First those of the sources, then others of 10.0.0.0/8: one of ten is IPv6. */
function makePrefixes(): string[] {
  return Array.from({ length: PREFIXES }, (_, i) => {
    if (i < SOURCES) return sourcePrefix(i);
    if (i % 10 === 0) return `2001:db8:${i.toString(16)}::/48`;
    return `10.${i >> 8}.${i & 0xff}.0/24`;
  });
}
