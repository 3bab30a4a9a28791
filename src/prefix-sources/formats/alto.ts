/** An ALTO network map: RFC 7285 11.2.1. */
import type { PrefixCollector } from "../prefix-collector.ts";
import { excerpt, SourceError } from "../source-error.ts";
import type { PrefixFormat } from "./format.ts";

/** Limit of the text in characters: it is parsed as a whole, which takes memory and time. */
const TEXT_LIMIT = 32 * 1024 * 1024;

/** The types of addresses in RFC 7285 10.4. Others are skipped. */
const ADDRESS_TYPES = ["ipv4", "ipv6"];

/** Takes the prefixes of the selected PIDs. */
export const alto: PrefixFormat = {
  description: "an ALTO network map (RFC 7285)",
  accept: "application/alto-networkmap+json, application/json;q=0.5",
  parser(found, pids) {
    const lines: string[] = [];
    let length = 0;
    return {
      line(text) {
        length += text.length;
        if (length > TEXT_LIMIT)
          throw new SourceError(`a network map of more than ${TEXT_LIMIT / 1024 / 1024} MiB`);
        lines.push(text);
      },
      end: () => readMap(lines.join("\n"), pids, found),
    };
  },
};

function readMap(text: string, pids: readonly string[], found: PrefixCollector): void {
  const map = objectOf(objectOf(parse(text))?.["network-map"]);
  if (map === undefined) throw new SourceError("not an ALTO network map");
  const missing = pids.find((pid) => !Object.hasOwn(map, pid));
  if (missing !== undefined) throw new SourceError(`the PID "${excerpt(missing)}" is not in the network map`);
  for (const [pid, group] of Object.entries(map)) {
    if (pids.length > 0 && !pids.includes(pid)) continue;
    const addresses = objectOf(group);
    if (addresses === undefined) throw new SourceError(`the PID "${excerpt(pid)}" has no addresses`);
    for (const type of ADDRESS_TYPES) addAll(addresses[type] ?? [], pid, found);
  }
}

function addAll(prefixes: unknown, pid: string, found: PrefixCollector): void {
  if (!Array.isArray(prefixes))
    throw new SourceError(`the addresses of the PID "${excerpt(pid)}" are not a list`);
  for (const prefix of prefixes) found.add(typeof prefix === "string" ? prefix : "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SourceError("not JSON");
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return { ...value };
}
