/** The file that the clients of a run fetch. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bencode } from "../test/support/bencode.ts";

const PIECE_BYTES = 32 * 1024;

/** A torrent of one file of random bytes. */
export interface Torrent {
  /** The metainfo file. */
  readonly path: string;
  /** A directory with the whole file. */
  readonly payloadDirectory: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly infoHash: string;
}

/** Makes the file and its torrent in a directory. @param trackers announce URLs, each a tier of its own. */
export async function makeTorrent(
  directory: string,
  megabytes: number,
  trackers: readonly string[],
): Promise<Torrent> {
  const payload = randomBytes(megabytes * 1_000_000);
  const pieces: string[] = [];
  for (let at = 0; at < payload.length; at += PIECE_BYTES) {
    const piece = payload.subarray(at, at + PIECE_BYTES);
    pieces.push(createHash("sha1").update(piece).digest().toString("latin1"));
  }
  const info = bencode({
    length: payload.length,
    name: "payload.bin",
    "piece length": PIECE_BYTES,
    pieces: pieces.join(""),
  });
  const path = join(directory, "payload.torrent");
  const payloadDirectory = join(directory, "payload");
  await mkdir(payloadDirectory);
  await writeFile(join(payloadDirectory, "payload.bin"), payload);
  const announce = `8:announce${bencode(trackers[0])}13:announce-list${bencode(trackers.map((url) => [url]))}`;
  await writeFile(path, `d${announce}4:info${info}e`, "latin1");
  const infoHash = createHash("sha1").update(info, "latin1").digest("hex");
  return { path, payloadDirectory, bytes: payload.length, infoHash };
}
