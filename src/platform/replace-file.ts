/** Replaces files atomically: a reader sees either the old or the new content. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

/** The ending of a file that is being written. */
const NEW_ENDING = ".new";

/**
 * Replaces the content of a file, unless it is the same.
 * @returns length and checksum of the content.
 * @throws the system's error; the file keeps its old content.
 */
export async function replaceFile(
  path: string,
  pieces: Iterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const growing = path + NEW_ENDING;
  const hash = createHash("sha256");
  let bytes = 0;
  // A symbolic link at this path is removed, and not followed.
  await rm(growing, { force: true });
  try {
    const file = await open(growing, "wx", 0o644);
    try {
      for (const piece of pieces) {
        hash.update(piece);
        bytes += piece.length;
        await file.appendFile(piece);
      }
      const sha256 = hash.digest("hex");
      if (sha256 === (await checksumOf(path))) return { bytes, sha256 };
      await file.sync();
      await rename(growing, path);
      await syncDirectory(dirname(path));
      return { bytes, sha256 };
    } finally {
      await file.close();
    }
  } finally {
    await rm(growing, { force: true });
  }
}

/** The checksum of a file; undefined when it cannot be read. */
async function checksumOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

/** Synchronizes a directory, so that a rename survives a crash of the machine. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
