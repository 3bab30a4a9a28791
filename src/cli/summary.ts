/** Summarizes a configuration for people. */

import type { LoadedConfig, LoadReport } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { workerCount } from "../config/worker-count.ts";
import { FORMATS } from "../hash-list/formats/formats.ts";
import { formatHostPort } from "../model/address-text.ts";
import { countText } from "../model/count-text.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { findOverlaps, type PeerGroupDefinition } from "../network/peer-groups.ts";
import { memoryBound, shardsFor } from "../store/store-memory.ts";

/** Describes a valid configuration. */
export function summary(configFile: string, loaded: LoadedConfig & LoadReport): string {
  const { config, groups, warnings } = loaded;
  const { max_peers, access_list } = config.tracker;
  const workers = workerCount(config);
  const sections: (readonly [string, readonly string[]])[] = [
    [
      "Listens on",
      [
        ...config.listen.http.map((address) => `http  ${formatHostPort(address)}`),
        ...config.listen.udp.map((address) => `udp   ${formatHostPort(address)}`),
      ],
    ],
    ["Answers with", [countText(workers, "worker")]],
    ["Peer groups, nearest first", describeGroups(groups)],
    ["Overlaps, where the longest prefix decides", describeOverlaps(groups)],
    ["Torrents", access_list.mode === "off" ? [] : [describeAccessList(access_list.mode, loaded.accessList)]],
    [
      "Memory for swarms",
      [
        `at most ${megabytes(memoryBound(max_peers, shardsFor(workers), config.gate.enabled))}, with ${countText(max_peers, "peer")}`,
      ],
    ],
    [
      "Saves its swarms in",
      [`${config.database.url}, saved every ${countText(config.database.save_interval, "second")}`],
    ],
    ["Neighbors", describeNeighbors(config.neighbors)],
    ["Forwarded announces", describeForwarding(config.forwarded_announce)],
    ["Hash list", describeHashList(config.hashlist)],
    ["Warnings", warnings.map(formatProblem)],
  ];
  const blocks = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return [`${configFile}: good\n`, ...blocks].join("\n");
}

function describeGroups(groups: readonly PeerGroupDefinition[]): string[] {
  if (groups.length === 0) return ["none: all peers are equally near"];
  const width = Math.max(...groups.map(({ name }) => name.length), "in no group".length);
  const priorities = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  const lines = priorities.flatMap((priority, tier) =>
    groups
      .filter((group) => group.priority === priority)
      .map(
        ({ name, prefixes }) =>
          `tier ${tier + 1}  ${name.padEnd(width)}  ${countText(prefixes.length, "prefix")}`,
      ),
  );
  return [...lines, `tier ${priorities.length + 1}  in no group`];
}

function describeNeighbors(neighbors: Config["neighbors"]): string[] {
  return neighbors.map(({ name, enabled, refresh_interval }) =>
    enabled
      ? `"${name}" is asked every ${countText(refresh_interval, "second")}`
      : `"${name}" is not asked: enabled is false`,
  );
}

function describeForwarding({ sources, clients }: Config["forwarded_announce"]): string[] {
  if (sources.length + clients.length === 0) return [];
  return [
    `from ${countText(sources.length, "prefix")} of sources and ${countText(clients.length, "prefix")} of clients`,
  ];
}

function describeHashList({ path, formats, interval, dry_run }: Config["hashlist"]): string[] {
  if (path === null) return [];
  const files = formats.map((format) => path + FORMATS[format].ending).join(", ");
  return [
    `${files}, every ${countText(interval, "second")}${dry_run ? "; but dry_run: nothing is written" : ""}`,
  ];
}

function describeOverlaps(groups: readonly PeerGroupDefinition[]): string[] {
  return findOverlaps(groups).map(
    ({ inner, outer, prefixCount }) => `${countText(prefixCount, "prefix")} of "${inner}" inside "${outer}"`,
  );
}

function describeAccessList(mode: "allow" | "deny", hashes: Uint32Array): string {
  return `${mode === "allow" ? "only" : "all but"} ${countText(hashes.length / INFO_HASH_WORDS, "listed torrent")}`;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024).toLocaleString("en")} MiB`;
}
