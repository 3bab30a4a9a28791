/** Files that are replaced in one step, so that a reader has the old one or the new one. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

/** Where a new file grows before it takes the old one's place. */
const NEW_ENDING = ".new";

/**
 * Gives a file new content in one step, unless it has that already.
 * @returns how long that is, and its checksum.
 * @throws the system's error; the old content is there still.
 */
export async function replaceFile(
  path: string,
  pieces: Iterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const growing = path + NEW_ENDING;
  const hash = createHash("sha256");
  let bytes = 0;
  // A link that somebody has put there is removed, and not followed.
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

/** The checksum of a file's content; undefined when there is none that can be read. */
async function checksumOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

/** Makes sure that a renaming outlives a crash of the machine. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
