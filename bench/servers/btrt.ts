/** This project's tracker. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EngineKind } from "../../src/engine/choice.ts";
import { peerPrefix, SOURCES, sourcePrefix } from "../load/population.ts";
import { type Place, Server } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const COMPILE_CACHE = fileURLToPath(new URL("../../var/compile-cache", import.meta.url));

/** Prefixes of peer groups. */
export const PREFIXES = 10_000;
const GROUPS = 3;

/** Its configuration. */
export interface BtrtSettings {
  readonly engine: EngineKind;
  readonly workers: number;
  /** `tracker.max_peers`, unless the default is enough. */
  readonly maxPeers?: number;
  /** Other keys that are not at their defaults. */
  readonly keys?: object;
}

/**
 * Starts it and waits until it is ready. Everything has its default, with two exceptions: addresses in announces from
 * this machine are trusted; and there are three peer groups with as many prefixes as an operator has, each with a third
 * of the sources.
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
    // Many peers share a few addresses.
    tracker: {
      ip_parameter: ["127.0.0.0/8"],
      max_peers_per_address: 1000,
      ...(maxPeers === undefined ? {} : { max_peers: maxPeers }),
    },
    peer_groups: makeGroups(),
    // Other trackers limit no peers either. The scenario "policies" compares the policies.
    selection: { policy: "nearest" },
    ...keys,
  };
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(config));
  // As `npm start` does: Node compiles the sources with a program that takes 25 MB, unless it has done so before.
  const command = ["env", `NODE_COMPILE_CACHE=${COMPILE_CACHE}`, process.execPath, MAIN];
  const server = new Server("BTRT", place, [...command, "run", "--config", configFile]);
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

/** Groups that reach each other, because the sources' addresses are private. */
function makeGroups(): object[] {
  const names = Array.from({ length: GROUPS }, (_, group) => `group ${group}`);
  return names.map((name, priority) => ({
    name,
    priority,
    cidr_list: makePrefixes().filter((_, i) => i % GROUPS === priority),
    reachable_from: names.filter((other) => other !== name),
  }));
}

/** Of the peers, those with the lowest numbers are in these prefixes: 200,000 of them. */
const PEER_PREFIXES = 2000;

/** First the prefixes of the sources, then those of peers, then others of 10.0.0.0/8. One of ten is IPv6. */
function makePrefixes(): string[] {
  return Array.from({ length: PREFIXES }, (_, i) => {
    if (i < SOURCES) return sourcePrefix(i);
    if (i < SOURCES + PEER_PREFIXES) return peerPrefix(i - SOURCES);
    if (i % 10 === 0) return `2001:db8:${i.toString(16)}::/48`;
    return `10.${i >> 8}.${i & 0xff}.0/24`;
  });
}
