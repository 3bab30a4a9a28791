/** `btrt hashlist`. */
import { readFile } from "node:fs/promises";
import { loadConfig } from "../config/load.ts";
import { FORMATS, type HashListFormat } from "../hash-list/formats/formats.ts";
import { emptyList } from "../hash-list/hash-list.ts";
import { replaceFile } from "../hash-list/replace-file.ts";
import { describeFailure } from "../platform/failure.ts";
import { AdminClientError, fetchFromAdmin, findAdmin } from "./admin-client.ts";
import { print, printError } from "./output.ts";

/** A tracker with millions of torrents looks at them for some seconds. */
const TIMEOUT_MS = 60_000;

/** What is wanted. */
export interface HashListOptions {
  readonly format: HashListFormat;
  readonly output?: string;
  readonly diff?: boolean;
}

/**
 * Writes the hash list of the running tracker. It fails open: when that does not answer, a file is left without torrents,
 * and standard output without anything.
 * @returns the exit code: 1 when there is no list.
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
    await replaceFile(output, [bytes]);
    return 0;
  } catch (error) {
    printError(`btrt: ${describeFailure(error).message}`);
    if (error instanceof AdminClientError && output !== undefined && !diff) await empty(output, format);
    return 1;
  }
}

/** Takes the torrents off a list that nobody vouches for any more. */
async function empty(output: string, format: HashListFormat): Promise<void> {
  try {
    await replaceFile(output, FORMATS[format].encode(emptyList(Date.now()), 0));
  } catch (error) {
    printError(`btrt: ${describeFailure(error).message}`);
  }
}

/** The file that the tracker itself writes. @throws AdminClientError */
async function configuredFile(configFile: string, format: HashListFormat): Promise<string> {
  const { config } = await loadConfig({ configFile });
  const path = config?.hashlist.path ?? null;
  if (path === null)
    throw new AdminClientError("there is nothing to compare with: name a file, --output FILE");
  return path + FORMATS[format].ending;
}

/** Says which torrents came (+) and which left (-) since a file was written. @throws the system's error. */
async function compare(format: HashListFormat, bytes: Buffer, file: string): Promise<string> {
  const now = FORMATS[format].decode(bytes);
  const then = FORMATS[format].decode(await readFile(file));
  const lines = [
    ...[...now].filter((infoHash) => !then.has(infoHash)).map((infoHash) => `+${infoHash}`),
    ...[...then].filter((infoHash) => !now.has(infoHash)).map((infoHash) => `-${infoHash}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
