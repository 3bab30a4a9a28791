/** The command `btrt hashlist`. */
import { readFile } from "node:fs/promises";
import { loadSections } from "../config/load-sections.ts";
import { formatProblem } from "../config/problem.ts";
import { FORMATS, type HashListFormat } from "../hash-list/formats/formats.ts";
import { emptyList } from "../hash-list/hash-list.ts";
import { describeFailure } from "../platform/failure.ts";
import { replaceFile } from "../platform/replace-file.ts";
import { AdminClientError, fetchFromAdmin, findAdmin } from "./admin-client.ts";
import { print, printError } from "./output.ts";

/** Timeout in milliseconds: a tracker with millions of torrents needs some seconds. */
const TIMEOUT_MS = 60_000;

/** The content of a list without torrents whose format has no bytes for it. */
const NO_TORRENTS = Buffer.from("# no torrents\n");

/** The command's options. */
export interface HashListOptions {
  readonly format: HashListFormat;
  readonly output?: string;
  readonly diff?: boolean;
}

/**
 * Writes the hash list of the running tracker. It fails open: if no tracker listens, the file is written
 * without torrents, and standard output stays empty. After any other failure, the file stays as it is.
 * @returns the exit code: 1 if there is no list.
 */
export async function hashList(
  configFile: string,
  { format, output, diff = false }: HashListOptions,
): Promise<number> {
  try {
    const bytes = await fetchFromAdmin(await findAdmin(configFile), `hashlist?format=${format}`, TIMEOUT_MS);
    if (diff)
      return await print(await compare(format, bytes, output ?? (await configuredFile(configFile, format))));
    if (output === undefined) return await print(bytes);
    await write(output, [bytes]);
    return 0;
  } catch (error) {
    printError(`btrt: ${describeFailure(error).message}`);
    if (error instanceof AdminClientError && error.isUnreachable && output !== undefined && !diff)
      await empty(output, format);
    return 1;
  }
}

/** Writes a file. A reader could take a file without any bytes for a failed copy, so it is never left empty. */
async function write(output: string, pieces: readonly Uint8Array[]): Promise<void> {
  await replaceFile(output, pieces.some(({ length }) => length > 0) ? pieces : [NO_TORRENTS]);
}

/** Writes an empty list, as the old one can no longer be trusted. */
async function empty(output: string, format: HashListFormat): Promise<void> {
  try {
    await write(output, [...FORMATS[format].encode(emptyList(Date.now()), 0)]);
  } catch (error) {
    printError(`btrt: ${describeFailure(error).message}`);
  }
}

/** The file that the tracker itself writes. @throws AdminClientError */
async function configuredFile(configFile: string, format: HashListFormat): Promise<string> {
  const { config, problems } = await loadSections(configFile, ["hashlist"]);
  if (config === null) throw new AdminClientError(problems.map(formatProblem).join("\n"));
  const { path } = config.hashlist;
  if (path === null)
    throw new AdminClientError("no file to compare with: set hashlist.path, or use --output FILE");
  return path + FORMATS[format].ending;
}

/** The torrents that were added (+) and removed (-) since a file was written. @throws the system's error. */
async function compare(format: HashListFormat, bytes: Buffer, file: string): Promise<string> {
  const now = FORMATS[format].decode(bytes);
  const then = FORMATS[format].decode(await readFile(file));
  const lines = [
    ...[...now].filter((infoHash) => !then.has(infoHash)).map((infoHash) => `+${infoHash}`),
    ...[...then].filter((infoHash) => !now.has(infoHash)).map((infoHash) => `-${infoHash}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
