/** `btrt hashlist`. */
import { readFile } from "node:fs/promises";
import { loadConfig } from "../config/load.ts";
import { describeFailure } from "../failure.ts";
import { encodeHashList } from "../hash-list/formats.ts";
import { emptyList } from "../hash-list/hash-list.ts";
import { replaceFile } from "../hash-list/replace-file.ts";
import { FORMAT_NAMES, type HashListFormat } from "../model/hash-list-format.ts";
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
    await replaceFile(output, encodeHashList(emptyList(Date.now()), format, 0));
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
  return path + FORMAT_NAMES[format].ending;
}

/** Says which torrents came (+) and which left (-) since a file was written. @throws the system's error. */
async function compare(format: HashListFormat, bytes: Buffer, file: string): Promise<string> {
  const now = infoHashesIn(format, bytes);
  const then = infoHashesIn(format, await readFile(file));
  const lines = [
    ...[...now].filter((infoHash) => !then.has(infoHash)).map((infoHash) => `+${infoHash}`),
    ...[...then].filter((infoHash) => !now.has(infoHash)).map((infoHash) => `-${infoHash}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** The info-hashes in a list, in hexadecimal. */
function infoHashesIn(format: HashListFormat, bytes: Buffer): Set<string> {
  const text = bytes.toString(format === "binary" ? "hex" : "utf8");
  if (format === "binary") return new Set(text.match(/.{40}/g));
  const pattern = format === "nftables" ? /0x([0-9a-f]{32}) \. 0x([0-9a-f]{8})/g : /\b([0-9a-f]{40})()\b/g;
  return new Set(Array.from(text.matchAll(pattern), ([, first, last]) => first + last));
}
