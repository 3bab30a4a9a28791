/** The files that the clients of a run fetch. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bencode } from "../test/support/bencode.ts";

const PIECE_BYTES = 32 * 1024;

/** A torrent of one file of random bytes. */
export interface Torrent {
  /** A directory with the whole file. */
  readonly payloadDirectory: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly infoHash: string;
  /**
   * Writes a metainfo file.
   * @param trackers announce URLs, each a tier of its own.
   * @returns its path.
   */
  readonly withTrackers: (name: string, trackers: readonly string[]) => Promise<string>;
}

/** Makes a file of so many millions of bytes in a directory. */
export async function makeTorrent(directory: string, name: string, megabytes: number): Promise<Torrent> {
  const payload = randomBytes(megabytes * 1_000_000);
  const pieces: string[] = [];
  for (let at = 0; at < payload.length; at += PIECE_BYTES) {
    const piece = payload.subarray(at, at + PIECE_BYTES);
    pieces.push(createHash("sha1").update(piece).digest().toString("latin1"));
  }
  const info = bencode({
    length: payload.length,
    name: `${name}.bin`,
    "piece length": PIECE_BYTES,
    pieces: pieces.join(""),
  });
  const payloadDirectory = join(directory, name);
  await mkdir(payloadDirectory);
  await writeFile(join(payloadDirectory, `${name}.bin`), payload);
  const infoHash = createHash("sha1").update(info, "latin1").digest("hex");
  const withTrackers = async (file: string, trackers: readonly string[]) => {
    const path = join(directory, `${file}.torrent`);
    const announce = `8:announce${bencode(trackers[0])}13:announce-list${bencode(trackers.map((url) => [url]))}`;
    await writeFile(path, `d${announce}4:info${info}e`, "latin1");
    return path;
  };
  return { payloadDirectory, bytes: payload.length, infoHash, withTrackers };
}
