/** The sources of peer groups, and the paths of their last good copies. */
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import type { PrefixSourceSettings } from "../prefix-sources/settings.ts";
import { isInstalled } from "./config-file.ts";
import type { Config } from "./schema.ts";

/** Limit of a group's name in the name of a file, in characters. A longer name is hashed. */
const NAME_LIMIT = 100;

const MEBIBYTE = 1024 * 1024;

/**
 * The path of the last good copy of a group's source.
 * @param configFile the configuration; empty for the defaults.
 */
export function sourceCopyPath(configFile: string, group: string): string {
  const directory = isInstalled(configFile)
    ? "/var/lib/btrt/sources"
    : resolve(configFile === "" ? "" : dirname(configFile), "var/sources");
  const name = encodeURIComponent(group.toWellFormed()).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  const short = name.length <= NAME_LIMIT ? name : createHash("sha256").update(group).digest("hex");
  return join(directory, `${short}.conf`);
}

/** The sources of a valid configuration, in the order of their groups. */
export function prefixSourcesOf(config: Config, configFile: string): PrefixSourceSettings[] {
  return config.peer_groups.flatMap(({ name, source }) => {
    if (source === null) return [];
    const { from, format, select, interval, timeout, max_size, max_prefixes } = source;
    return {
      group: name,
      from,
      format,
      select,
      interval,
      timeout,
      maxBytes: max_size * MEBIBYTE,
      maxPrefixes: max_prefixes,
      copy: sourceCopyPath(configFile, name),
    };
  });
}
