/** Checks that the files and directories that the tracker writes can be written, before it starts. */
import { closeSync, existsSync, openSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import type { LoadedConfig, LoadReport } from "../config/load.ts";
import type { KeyPath } from "../config/problem.ts";
import { DatabaseError } from "../storage/database.ts";
import { databaseFile } from "../storage/databases.ts";
import { nearestDirectory, tryPlace } from "../storage/sqlite/place.ts";
import { type Sandbox, whyHidden } from "./service-sandbox.ts";

/** A file or directory that the tracker cannot use. */
export interface UnusablePlace {
  /** The key of the configuration, if one is known. */
  readonly path?: KeyPath;
  readonly text: string;
  readonly remedy: string;
}

interface Place {
  readonly path: KeyPath;
  readonly directory: string;
  /** A file in it that is written in place, if it exists. */
  readonly file?: string;
  /** Whether the tracker creates the directory. */
  readonly isCreated: boolean;
}

/** Tries every place with the rights that this process has now. Creates a directory in each, and removes it. */
export function findUnwritablePlaces({ config }: LoadedConfig, sandbox: Sandbox): UnusablePlace[] {
  const { database, gate, hashlist, logging } = config;
  const file = databaseFile(database);
  const places: Place[] = [];
  if (file !== undefined)
    places.push({ path: ["database", "url"], directory: dirname(file), file, isCreated: true });
  if (logging.path !== null)
    places.push({ path: ["logging", "path"], directory: logging.path, isCreated: true });
  if (hashlist.path !== null && !hashlist.dry_run)
    places.push({ path: ["hashlist", "path"], directory: dirname(hashlist.path), isCreated: false });
  if (gate.enabled && gate.path !== null)
    places.push({ path: ["gate", "path"], directory: dirname(gate.path), isCreated: false });
  return places.flatMap((place) => {
    const wrong = whyHidden(sandbox, place.directory) ?? whyUnwritable(place);
    return wrong === undefined ? [] : [{ path: place.path, ...wrong }];
  });
}

/** Finds the files that the configuration names and the sandbox hides. */
export function findHiddenFiles({ files }: LoadReport, sandbox: Sandbox): UnusablePlace[] {
  const readable = { ...sandbox, writable: undefined };
  return files.flatMap((file) => whyHidden(readable, file) ?? []);
}

function whyUnwritable({
  directory,
  file,
  isCreated,
}: Place): Pick<UnusablePlace, "text" | "remedy"> | undefined {
  const user = userInfo().username;
  if (!existsSync(directory) && !isCreated) {
    const remedy = `create it: install -d -o ${user} -g ${user} ${directory}`;
    return { text: `there is no directory ${directory}`, remedy };
  }
  try {
    tryPlace(file ?? `${directory}/file`);
  } catch (error) {
    const nearest = nearestDirectory(directory);
    if (!statSync(nearest).isDirectory())
      return { text: `${nearest} is not a directory`, remedy: "name a directory" };
    // No rights would help.
    if (error instanceof DatabaseError && error.failure === "misplaced")
      return { text: error.message, remedy: "use another directory" };
    const text = `the user "${user}" may not write in ${nearest}`;
    return { text, remedy: `use another directory, or allow it: chown ${user} ${nearest}` };
  }
  // Of anything but a file the database itself says what it is.
  if (file === undefined || statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  try {
    closeSync(openSync(file, "r+"));
    return undefined;
  } catch {
    return { text: `the user "${user}" may not write ${file}`, remedy: `chown ${user}: ${file}*` };
  }
}
