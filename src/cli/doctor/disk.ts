/** Checks the free space where the tracker writes. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { databaseFile } from "../../storage/databases.ts";
import { nearestDirectory } from "../../storage/sqlite/place.ts";
import { type Finding, ok, problem, type Subject, warning } from "./finding.ts";

const MEBIBYTE = 1024 * 1024;

/** Below this, a day's log may fill the disk. */
const SCARCE_BYTES = 1024 * MEBIBYTE;
const NOTHING_BYTES = 64 * MEBIBYTE;

/** Returns a finding for each directory. */
export async function checkDisk({ loaded: { config } }: Subject): Promise<Finding[]> {
  const { database, gate, hashlist, logging } = config;
  const file = databaseFile(database);
  const places = [
    ...(file === undefined ? [] : [dirname(file)]),
    ...(logging.path === null ? [] : [logging.path]),
    ...(hashlist.path === null ? [] : [dirname(hashlist.path)]),
    ...(gate.path === null ? [] : [dirname(gate.path)]),
  ];
  return await Promise.all(
    [...new Set(places)].map(async (place) => {
      const { bavail, bsize, ffree, files } = await statfs(nearestDirectory(place));
      return judgeSpace(place, bavail * bsize, files === 0 ? 1 : ffree);
    }),
  );
}

/** @param inodes free ones; some file systems do not count them. */
export function judgeSpace(place: string, bytes: number, inodes: number): Finding {
  const free = `${place} has ${Math.floor(bytes / MEBIBYTE).toLocaleString("en")} MiB free`;
  const remedy = "free some space, or move the files (database.url, logging.path, logging.keep_days)";
  if (inodes === 0) return problem(`${place} has no free inodes`, remedy);
  if (bytes < NOTHING_BYTES) return problem(free, remedy);
  return bytes < SCARCE_BYTES ? warning(free, remedy) : ok(free);
}
