/** A file of random bytes and its torrent. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bencode } from "./bencode.ts";

const PAYLOAD_BYTES = 1024 * 1024 + 4321;
const PIECE_BYTES = 32 * 1024;

/** A torrent of one file. */
export interface Torrent {
  /** The metainfo file. */
  readonly path: string;
  /** 20 bytes. */
  readonly infoHash: Buffer;
  /** A directory that has the whole payload. */
  readonly seedDirectory: string;
  /** The name of the payload in a client's directory. */
  readonly fileName: string;
  /** The same torrent with another tracker's URL. */
  withTracker(name: string, announceUrl: string): Promise<Torrent>;
  /** The same torrent with a list of trackers, of which clients try the next when one does not answer (BEP 12). */
  withTrackers(name: string, announceUrls: readonly string[]): Promise<Torrent>;
  /** Whether a directory has the whole payload. */
  isCompleteIn(directory: string): Promise<boolean>;
}

/** Makes a payload and its torrent in `directory`, which is created. */
export async function makeTorrent(directory: string, name: string, announceUrl: string): Promise<Torrent> {
  const seedDirectory = join(directory, `${name}.seed`);
  const fileName = `${name}.bin`;
  const path = join(directory, `${name}.torrent`);
  const payload = randomBytes(PAYLOAD_BYTES);
  const pieces: string[] = [];
  for (let at = 0; at < payload.length; at += PIECE_BYTES) {
    pieces.push(
      createHash("sha1")
        .update(payload.subarray(at, at + PIECE_BYTES))
        .digest()
        .toString("latin1"),
    );
  }
  const info = bencode({
    length: payload.length,
    name: fileName,
    "piece length": PIECE_BYTES,
    pieces: pieces.join(""),
  });
  await mkdir(seedDirectory, { recursive: true });
  await writeFile(join(seedDirectory, fileName), payload);
  await writeFile(path, metainfo([announceUrl], info), "latin1");

  const digest = sha256(payload);
  const isCompleteIn = async (where: string) => {
    const found = await readFile(join(where, fileName)).catch(() => undefined);
    return found !== undefined && sha256(found) === digest;
  };
  const infoHash = createHash("sha1").update(info, "latin1").digest();
  const torrent = { path, infoHash, seedDirectory, fileName, isCompleteIn };
  const withTrackers = async (otherName: string, urls: readonly string[]): Promise<Torrent> => {
    const otherPath = join(directory, `${otherName}.torrent`);
    await writeFile(otherPath, metainfo(urls, info), "latin1");
    return { ...torrent, path: otherPath, withTracker, withTrackers };
  };
  const withTracker = (otherName: string, otherUrl: string) => withTrackers(otherName, [otherUrl]);
  return { ...torrent, withTracker, withTrackers };
}

/** The trackers of a list are one tier each. */
function metainfo(announceUrls: readonly string[], info: string): string {
  const list = announceUrls.map((url) => `l${bencode(url)}e`).join("");
  const tiers = announceUrls.length === 1 ? "" : `13:announce-listl${list}e`;
  return `d8:announce${bencode(announceUrls[0])}${tiers}4:info${info}e`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
