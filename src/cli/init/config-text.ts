/** The configuration that `btrt init` writes: the answers, and defaults for everything else. */
import { resolve } from "node:path";
import { stringify } from "yaml";
import { isInstalled } from "../../config/config-file.ts";
import { ANNOUNCE_PATH } from "../../config/sections/neighbors.ts";
import { findDatabaseKind } from "../../storage/databases.ts";
import type { Answers } from "./answers.ts";

/** Where a package expects the log. */
const INSTALLED_LOGS = "/var/log/btrt";

const HEADER = `# Written by "btrt init". Every other key has its default: btrt.conf.default and "man btrt.conf" describe them.
# "btrt check" reports the mistakes in this file. A running tracker reads the file again on SIGHUP.`;

/** The section `cluster` of one node. */
export type ClusterSection = Readonly<Record<string, string | readonly string[]>>;

/** The text of the file, YAML. @param cluster for a node of a cluster. */
export function configText(answers: Answers, configFile: string, cluster: ClusterSection = {}): string {
  const groups = [
    { name: "local peers", priority: 0, ...prefixes(answers.local) },
    { name: "partner peers", priority: 1, ...prefixes(answers.partner) },
  ].filter((_, i) => [answers.local, answers.partner][i].length > 0);
  const sections = [
    section("The addresses at which clients reach the tracker.", {
      listen: { http: [`[::]:${answers.port}`], udp: ["[::]:6969"] },
    }),
    section("The networks of peers, nearest first.", { peer_groups: groups }),
    section("Partners' retrackers, which are queried for their peers.", {
      neighbors: answers.neighbor.map(neighbor),
    }),
    section("The database, so that torrents and peers survive a restart.", { database: database(answers) }),
    section("The other trackers, with which this one shares its torrents and peers.", { cluster }),
    section("The log.", { logging: isInstalled(configFile) ? { path: INSTALLED_LOGS } : {} }),
  ];
  return `${[HEADER, ...sections.filter((text) => text !== "")].join("\n\n")}\n`;
}

/** Whether the answer names a database server, which has a user and a password. */
export function isServer({ database }: Pick<Answers, "database">): boolean {
  const kind = findDatabaseKind(database);
  return kind !== undefined && kind.embedded === undefined;
}

/** A key with its comment; empty if the key has no value. */
function section(comment: string, content: Record<string, object>): string {
  const [value] = Object.values(content);
  if (Object.keys(value).length === 0) return "";
  return `# ${comment}\n${stringify(content, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN", lineWidth: 0 }).trimEnd()}`;
}

/**
 * An element that looks like a path names a file. Only one is accepted: a second one stays among the prefixes, and is
 * refused there.
 */
function prefixes(elements: readonly string[]) {
  const file = elements.find((element) => /^[./]/.test(element));
  const list = elements.filter((element) => element !== file);
  return {
    ...(file === undefined ? {} : { cidr_file: resolve(file) }),
    ...(list.length === 0 ? {} : { cidr_list: list }),
  };
}

/** A complete URL is used as it is. A host name becomes a URL with the usual path and query. */
function neighbor(hostOrUrl: string) {
  const isUrl = /^\w+:\/\//.test(hostOrUrl);
  return {
    name: hostOrUrl.replace(/^\w+:\/\//, "").replace(/[/?].*$/s, ""),
    announce_request: isUrl ? hostOrUrl : `http://${hostOrUrl}${ANNOUNCE_PATH}`,
  };
}

function database(answers: Answers) {
  if (!isServer(answers)) return { url: answers.database };
  const { passwordFile } = answers;
  return {
    url: answers.database,
    user: answers.databaseUser,
    ...(passwordFile === "" ? {} : { password_file: resolve(passwordFile) }),
    schema: "btrt",
  };
}
