/** Checks that the database is available and has the required schema. */
import { existsSync } from "node:fs";
import type { Status } from "../../admin/status.ts";
import { databaseSettings } from "../../config/database-settings.ts";
import { type Database, DatabaseError, type DatabaseFailure } from "../../storage/database.ts";
import type { EmbeddedDatabase } from "../../storage/database-kind.ts";
import { databaseKind } from "../../storage/databases.ts";
import { SCHEMA_VERSION } from "../../storage/schema.ts";
import { type Finding, ok, problem, type Subject, warning } from "./finding.ts";

const REMEDIES: Readonly<Record<DatabaseFailure, string>> = {
  unavailable: "check that it runs, and that database.url is right",
  claimed: "only one tracker at a time uses a database: stop the other",
  corrupt:
    "the tracker renames it and starts a new one with the readable rows; restore a backup to get all of them",
  denied: "check database.user, its password, and its privileges on the schema",
  foreign: "set database.url or database.schema to one of its own",
  misplaced: "check database.url",
  moved: "the tracker creates a new one",
  schema: '"btrt db upgrade" upgrades older tables; newer ones need the version that created them',
};

/** The part of the subject that is needed here: `btrt check` has no running tracker. */
type DatabaseSubject = Pick<Subject, "loaded"> & Partial<Pick<Subject, "running">>;

/** Opens the database, checks it, and closes it. */
export async function checkDatabase({ loaded, running }: DatabaseSubject): Promise<Finding[]> {
  const settings = databaseSettings(loaded, process.env);
  const said = running === undefined ? [] : judgeRunning(running);
  const kind = databaseKind(settings);
  const { embedded } = kind;
  const file = embedded?.fileOf(settings.url);
  if (embedded !== undefined && file !== undefined && !existsSync(file))
    return [await judgePlace(embedded, file, running !== undefined), ...said];
  let database: Database | undefined;
  try {
    database = await kind.open(settings);
    const upgrades = loaded.config.database.auto_upgrade || embedded !== undefined;
    return [judgeVersion(database.name, await database.version(), upgrades), ...said];
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return [problem(error.message, REMEDIES[error.failure]), ...said];
  } finally {
    await database?.close();
  }
}

/** An embedded database is created at the first start, if possible. */
async function judgePlace(embedded: EmbeddedDatabase, file: string, isRunning: boolean): Promise<Finding> {
  try {
    await embedded.tryPlace(file);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return problem(
      `${file} cannot be created: ${error.message}`,
      "make its directory writable for the tracker's user, or check database.url",
    );
  }
  if (!isRunning) return ok(`${file} will be created at the first start`);
  return problem(
    `${file} does not exist, but the tracker runs`,
    "the tracker notices within seconds and creates a new one; find out what removes it",
  );
}

/** Problems that the running tracker reports, possibly of another file. */
export function judgeRunning({ database }: Pick<Status, "database">): Finding[] {
  const { failure, lastReplacement } = database;
  const findings: Finding[] = [];
  if (failure !== null)
    findings.push(
      problem(
        `the tracker cannot use it: ${failure}`,
        "nothing is saved until this is repaired; the tracker keeps retrying",
      ),
    );
  if (lastReplacement !== null) {
    const { at, reason, torrents, keptAs } = lastReplacement;
    const kept = keptAs === null ? "" : `; the old file is now ${keptAs}`;
    findings.push(
      warning(
        `the file was replaced at ${at} (${reason}): the new one has ${torrents} torrents of the old${kept}`,
        "find out what removes or damages the file: the disk, or a script",
      ),
    );
  }
  return findings;
}

/** @param version of the schema; 0 for none. @param upgrades whether the tracker upgrades it at start. */
function judgeVersion(name: string, version: number, upgrades: boolean): Finding {
  if (version === SCHEMA_VERSION) return ok(`${name}, schema version ${version}`);
  if (version > SCHEMA_VERSION) {
    return problem(
      `${name} has schema version ${version}, newer than this program's ${SCHEMA_VERSION}`,
      REMEDIES.schema,
    );
  }
  const text =
    version === 0 ? `${name} has no tables` : `${name} has schema version ${version}, not ${SCHEMA_VERSION}`;
  if (upgrades) return ok(`${text}; the next start upgrades it`);
  return problem(text, version === 0 ? 'run "btrt db create"' : 'run "btrt db upgrade"');
}
