/** Loads a configuration with all files that it names, and reports all problems at once. */
import { dirname, resolve } from "node:path";
import { countText } from "../model/count-text.ts";
import type { PeerGroupDefinition } from "../network/peer-groups.ts";
import type { Prefix } from "../network/prefix.ts";
import type { PrefixSourceSettings } from "../prefix-sources/settings.ts";
import { readAccessListFile } from "./access-list-file.ts";
import { findAddressConflicts } from "./address-conflicts.ts";
import { readCidrFile } from "./cidr-file.ts";
import { wrongCa, wrongCredentials, wrongSecret } from "./cluster-files.ts";
import { type ConfigDocument, parseDocument, setAt, valueAt } from "./document.ts";
import { filePath } from "./fields.ts";
import { groupWarnings } from "./group-warnings.ts";
import { prefixSourcesOf, sourceCopyPath } from "./prefix-sources.ts";
import { formatKeyPath, type KeyPath, type Position, PROBLEM_LIMIT, type Problem } from "./problem.ts";
import { FileError, type ReadFile, readFromDisk, readText } from "./read-file.ts";
import { moveRetiredKeys } from "./retired-keys.ts";
import { type Config, configSchema } from "./schema.ts";
import { visitValues, wraps } from "./schema-tree.ts";
import { defaultDatabase, UNPLACED_DATABASE } from "./sections/database.ts";
import { validate } from "./validate.ts";

/** Source of a configuration. */
export type ConfigSource = { readonly configFile: string } | { readonly defaults: true };

/** The result of loading. `config` is null if there are problems. */
export type LoadResult = LoadReport & (LoadedConfig | { readonly config: null });

/** The report, for valid and invalid configurations. */
export interface LoadReport {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** All files that were read or are missing, for the watcher. */
  readonly files: readonly string[];
}

/** A valid configuration. */
export interface LoadedConfig {
  /** The position of a key in the file; if it is missing, of the part that should contain it. */
  readonly position: (path: KeyPath) => Position;
  /** With absolute paths. */
  readonly config: Config;
  /** `peer_groups`, with the prefixes of their files and of the copies of their sources. */
  readonly groups: readonly PeerGroupDefinition[];
  /** The sources of `peer_groups`. */
  readonly prefixSources: readonly PrefixSourceSettings[];
  /** Info-hashes of `tracker.access_list`, five words in network order for each; empty if its mode is off. */
  readonly accessList: Uint32Array;
  /** Info-hashes of `hashlist.exclude`. */
  readonly hashListExclude: Uint32Array;
  /** Info-hashes of `gate.exclude`. */
  readonly gateExclude: Uint32Array;
  /** The database server's password, from its configured source. */
  readonly databasePassword: string | null;
  /** The mail server's password. */
  readonly mailPassword: string | null;
  /** Texts of the files of `cluster`; null if not configured. */
  readonly clusterFiles: {
    readonly secret: string | null;
    readonly ca: string | null;
    readonly credentials: string | null;
  };
  /** Contents of the files of `admin`; null if not configured. */
  readonly adminFiles: {
    readonly token: string | null;
    readonly monitoringToken: string | null;
    readonly cert: string | null;
    readonly key: string | null;
  };
}

/** Limit of a file with a password, token, certificate or key, in bytes. */
const SECRET_BYTES = 1024 * 1024;

/** A valid token: hard to guess, and allowed in a header. */
const TOKEN = /^[\x21-\x7e]{16,200}$/;

/**
 * Limit of the configuration in bytes. Larger YAML takes many seconds and gigabytes; long lists of prefixes belong in a
 * `cidr_file`.
 */
export const CONFIG_BYTES = 4 * 1024 * 1024;

/** Loads a configuration. Never throws: errors are in the result. */
export async function loadConfig(source: ConfigSource, read: ReadFile = readFromDisk): Promise<LoadResult> {
  const file = "defaults" in source ? "" : source.configFile;
  try {
    const text = file === "" ? "" : await readText(file, CONFIG_BYTES, read);
    const document = parseDocument(text, file);
    if ("value" in document) return await loadDocument(document, file, read);
    return { config: null, problems: document.problems, warnings: [], files: [file] };
  } catch (error) {
    const problem = { file, line: 0, column: 0, key: "", message: explainConfigFile(error, file) };
    return { config: null, problems: [problem], warnings: [], files: [file] };
  }
}

function explainConfigFile(error: unknown, file: string): string {
  if (!(error instanceof FileError)) throw error;
  if (error.code !== "ENOENT") return error.message;
  return `no such file; create one with "btrt config > ${file}", or try "btrt run --defaults"`;
}

async function loadDocument(document: ConfigDocument, file: string, read: ReadFile): Promise<LoadResult> {
  const retired = moveRetiredKeys(document, file);
  resolvePaths(document.value, directoryOf(file));
  const { config, problems, warnings } = validate(document, file);
  const conflicts = config === undefined ? [] : findAddressConflicts(config);
  const inFile = [
    ...document.problems,
    ...problems,
    ...conflicts.map(({ path, otherPath, message }) => ({
      ...problemAt(document, file, path, message),
      // The default of one key may be in conflict with the value of the other.
      ...document.position(document.has(path) ? path : otherPath),
    })),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
  const named = new NamedFiles(document, file, read);
  const prefixes = await named.readCidrFiles();
  const copied = await named.readSourceCopies();
  const accessList = await named.readAccessList();
  const hashListExclude = await named.readHashes(["hashlist", "exclude"]);
  const gateExclude = await named.readHashes(["gate", "exclude"]);
  const password = await named.readPassword(["database", "password_file"]);
  const mailPassword = (await named.readPassword(["alerts", "mail", "password_file"])) ?? null;
  const adminFiles = await named.readAdminFiles();
  const clusterFiles = await named.readClusterFiles();
  const report = {
    problems: [...limit(inFile, file, "problem"), ...named.problems],
    warnings: [...limit([...document.warnings, ...retired, ...warnings], file, "warning"), ...named.warnings],
    files: [...(file === "" ? [] : [file]), ...named.files],
  };
  if (config === undefined || report.problems.length > 0) return { ...report, config: null };
  const groups = config.peer_groups.map((group, i) => ({
    name: group.name,
    priority: group.priority,
    prefixes: [...(prefixes.get(i) ?? []), ...(copied.get(i) ?? []), ...group.cidr_list],
    reachableFrom: group.reachable_from,
    addressLimit: group.max_peers_per_address ?? undefined,
  }));
  for (const [i, messages] of groupWarnings(groups).entries()) {
    const path = ["peer_groups", i];
    report.warnings.push(...messages.map((message) => problemAt(document, file, path, message)));
  }
  const database = { ...config.database, url: databaseUrl(config.database.url, file) };
  const databasePassword = password ?? database.password;
  const prefixSources = prefixSourcesOf(config, file);
  const { position } = document;
  const contents = {
    accessList,
    hashListExclude,
    gateExclude,
    databasePassword,
    mailPassword,
    adminFiles,
    clusterFiles,
  };
  return { ...report, config: { ...config, database }, position, groups, prefixSources, ...contents };
}

function problemAt(document: ConfigDocument, file: string, path: KeyPath, message: string): Problem {
  return { file, ...document.position(path), key: formatKeyPath(path), message };
}

/** Reads the files that a document names, even if other parts of it are invalid. */
class NamedFiles {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly files = new Set<string>();
  readonly #document: ConfigDocument;
  readonly #file: string;
  readonly #read: ReadFile;

  constructor(document: ConfigDocument, file: string, read: ReadFile) {
    this.#document = document;
    this.#file = file;
    this.#read = read;
  }

  /** The prefixes of each peer group's file, by group index. */
  async readCidrFiles(): Promise<Map<number, readonly Prefix[]>> {
    const prefixes = new Map<number, readonly Prefix[]>();
    const groups = valueAt(this.#document.value, ["peer_groups"]);
    const count = Array.isArray(groups) ? groups.length : 0;
    for (let i = 0; i < count; i++) {
      const content = await this.#readAt(["peer_groups", i, "cidr_file"], readCidrFile);
      if (content === undefined) continue;
      prefixes.set(i, content.prefixes);
      this.warnings.push(...content.warnings);
    }
    return prefixes;
  }

  /**
   * The prefixes in the last good copy of each peer group's source, by group index. The tracker writes these files: a
   * missing or damaged one is a warning.
   */
  async readSourceCopies(): Promise<Map<number, readonly Prefix[]>> {
    const prefixes = new Map<number, readonly Prefix[]>();
    const groups = valueAt(this.#document.value, ["peer_groups"]);
    for (const i of Array.isArray(groups) ? groups.keys() : []) {
      const name = valueAt(this.#document.value, ["peer_groups", i, "name"]);
      const path = ["peer_groups", i, "source"];
      if (typeof name !== "string" || (valueAt(this.#document.value, path) ?? null) === null) continue;
      const file = sourceCopyPath(this.#file, name);
      this.files.add(file);
      const place = { file: this.#file, ...this.#document.position(path), key: formatKeyPath(path) };
      try {
        const content = await readCidrFile(file, this.#read);
        prefixes.set(i, content.prefixes);
        if (content.problems.length > 0)
          this.warnings.push({ ...content.problems[0], message: "the copy of the source is damaged" });
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        const why =
          error.code === "ENOENT" ? "has not been read yet" : `its copy cannot be used: ${error.message}`;
        this.warnings.push({ ...place, message: `${why} (${file})` });
      }
    }
    return prefixes;
  }

  /** The info-hashes of the access list, unless its mode is off. */
  async readAccessList(): Promise<Uint32Array> {
    const mode = valueAt(this.#document.value, ["tracker", "access_list", "mode"]) ?? "off";
    return mode === "off" ? new Uint32Array(0) : await this.readHashes(["tracker", "access_list", "file"]);
  }

  /** The info-hashes in the file at a path of the document. */
  async readHashes(path: KeyPath): Promise<Uint32Array> {
    return (await this.#readAt(path, readAccessListFile))?.hashes ?? new Uint32Array(0);
  }

  /** A password: the first line of the file at a path of the document. */
  async readPassword(path: KeyPath): Promise<string | undefined> {
    return (await this.#readTextAt(path))?.replace(/[\r\n].*/s, "");
  }

  /** The admin token, which is the first line of its file, the certificate and its key. */
  async readAdminFiles(): Promise<LoadedConfig["adminFiles"]> {
    const token = await this.#readToken("token_file");
    const monitoringToken = await this.#readToken("monitoring_token_file");
    if (token !== null && token === monitoringToken) {
      const path = ["admin", "monitoring_token_file"];
      const message = "has the same token as token_file";
      this.problems.push(problemAt(this.#document, this.#file, path, message));
    }
    return {
      token,
      monitoringToken,
      cert: (await this.#readTextAt(["admin", "cert"])) ?? null,
      key: (await this.#readTextAt(["admin", "key"])) ?? null,
    };
  }

  /** The texts of the files of `cluster`. */
  async readClusterFiles(): Promise<LoadedConfig["clusterFiles"]> {
    return {
      secret: (await this.#readTextAt(["cluster", "secret_file"], wrongSecret)) ?? null,
      ca: (await this.#readTextAt(["cluster", "ca_file"], wrongCa)) ?? null,
      credentials: (await this.#readTextAt(["cluster", "credentials"], wrongCredentials)) ?? null,
    };
  }

  async #readToken(key: string): Promise<string | null> {
    const text = await this.#readTextAt(["admin", key], (content) =>
      TOKEN.test(firstLine(content))
        ? undefined
        : "the first line must be a token of 16 to 200 printable characters without spaces; create one with: openssl rand -hex 24",
    );
    return text === undefined ? null : firstLine(text);
  }

  /** The text of the file at a path of the document. @param wrong returns a problem of the text, or undefined. */
  async #readTextAt(
    path: KeyPath,
    wrong?: (text: string) => string | undefined,
  ): Promise<string | undefined> {
    const content = await this.#readAt(path, async (file, read) => {
      const text = await readText(file, SECRET_BYTES, read);
      const message = wrong?.(text);
      const problems = message === undefined ? [] : [{ file, line: 1, column: 1, key: "", message }];
      return { problems, text };
    });
    return content?.text;
  }

  /** The content of the file at a path of the document; undefined if none is named or it cannot be read. */
  async #readAt<Content extends { readonly problems: readonly Problem[] }>(
    path: KeyPath,
    readContent: (file: string, read: ReadFile) => Promise<Content>,
  ): Promise<Content | undefined> {
    const file = valueAt(this.#document.value, path);
    if (typeof file !== "string" || file === "") return undefined;
    this.files.add(file);
    try {
      const content = await readContent(file, this.#read);
      this.problems.push(...content.problems);
      return content;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const remedy = error.code === "ENOENT" ? explainMissing(path, file) : "";
      this.problems.push(problemAt(this.#document, this.#file, path, `${file}: ${error.message}${remedy}`));
      return undefined;
    }
  }
}

/** How to create a file that a key names. */
function explainMissing(path: KeyPath, file: string): string {
  switch (path.at(-1)) {
    case "token_file":
    case "monitoring_token_file":
      return `; create it: ${tokenCommand(file)}`;
    case "secret_file":
      return `; create it on one node, and copy it to all: openssl rand -hex 32 > ${file}`;
    case "password_file":
      return "; create it with the password in its first line";
    case "cidr_file":
      return "; create it with one prefix per line";
    default:
      return "";
  }
}

/** The command that creates a file with a token. */
function tokenCommand(file: string): string {
  return `openssl rand -hex 24 > ${file}`;
}

function firstLine(text: string): string {
  return text.replace(/[\r\n].*/s, "").trim();
}

/** The URL of the database, with an absolute path. @param file the configuration; empty for the defaults. */
function databaseUrl(configured: string, file: string): string {
  const url = configured === UNPLACED_DATABASE ? defaultDatabase(file) : configured;
  const [, path] = /^sqlite:(.*)$/s.exec(url) ?? [];
  return path === undefined ? url : `sqlite:${resolve(directoryOf(file), path)}`;
}

/** The directory at which relative paths start. @param file the configuration; empty for the defaults. */
function directoryOf(file: string): string {
  return file === "" ? resolve() : dirname(resolve(file));
}

/** Makes the paths in a document absolute. */
function resolvePaths(value: unknown, directory: string): void {
  visitValues(configSchema, value, (schema, part, path) => {
    if (typeof part !== "string" || part === "" || !wraps(schema, filePath)) return;
    setAt(value, path, resolve(directory, part));
  });
}

/** The first of a file's problems, and the number of further ones. */
function limit(problems: readonly Problem[], file: string, noun: string): Problem[] {
  const more = problems.length - PROBLEM_LIMIT;
  if (more <= 0) return [...problems];
  return [
    ...problems.slice(0, PROBLEM_LIMIT),
    { file, line: 0, column: 0, key: "", message: countText(more, `more ${noun}`) },
  ];
}
