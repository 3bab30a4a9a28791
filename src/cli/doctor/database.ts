/** Whether the database can be used, and has the schema that this version needs. */
import { existsSync } from "node:fs";
import type { Status } from "../../admin/status.ts";
import { databaseSettings } from "../../config/database-settings.ts";
import { type Database, DatabaseError, type DatabaseFailure } from "../../storage/database.ts";
import type { EmbeddedDatabase } from "../../storage/database-kind.ts";
import { databaseKind } from "../../storage/databases.ts";
import { SCHEMA_VERSION } from "../../storage/schema.ts";
import { type Finding, ok, problem, type Subject, warning } from "./finding.ts";

const REMEDIES: Readonly<Record<DatabaseFailure, string>> = {
  unavailable: "see that it runs, and that database.url names it",
  claimed: "only one tracker at a time uses a database: stop the other",
  corrupt:
    "the tracker renames it and begins a new one with what can be read; restore a copy to have what it held",
  denied: "see database.user and its password, and that the schema is granted to it",
  foreign: "name a file of its own in database.url",
  misplaced: "see database.url",
  moved: "the tracker writes a new one",
  schema: '"btrt db upgrade" brings older tables forward; newer ones need the version that made them',
};

/** What is asked of a doctor's subject here: `btrt check` has no running tracker. */
type DatabaseSubject = Pick<Subject, "loaded"> & Partial<Pick<Subject, "running">>;

/** Opens it, looks, and closes it. */
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

/** An embedded database is made at the first start, if it can be. */
async function judgePlace(embedded: EmbeddedDatabase, file: string, isRunning: boolean): Promise<Finding> {
  try {
    await embedded.tryPlace(file);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return problem(
      `${file} cannot be made: ${error.message}`,
      "give its directory to the tracker's user, or see database.url",
    );
  }
  if (!isRunning) return ok(`${file} will be made at the first start`);
  return problem(
    `${file} is not there, and the tracker runs`,
    "the tracker notices within seconds and writes a new one; see who removes it",
  );
}

/** What the tracker itself has found, whose file may have been another one. */
export function judgeRunning({ database }: Pick<Status, "database">): Finding[] {
  const { failure, lastReplacement } = database;
  const findings: Finding[] = [];
  if (failure !== null)
    findings.push(
      problem(
        `the tracker cannot use it: ${failure}`,
        "nothing is saved until that is mended; attempts go on",
      ),
    );
  if (lastReplacement !== null) {
    const { at, reason, torrents, keptAs } = lastReplacement;
    const kept = keptAs === null ? "" : `, and what was there is ${keptAs}`;
    findings.push(
      warning(
        `the file was replaced at ${at} (${reason}): the new one has ${torrents} torrents of the old${kept}`,
        "see what removes or damages the file: the disk, or a script",
      ),
    );
  }
  return findings;
}

/** @param version the schema's; 0 for none. @param upgrades whether the tracker does that by itself. */
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
  if (upgrades) return ok(`${text}; the next start sees to that`);
  return problem(text, version === 0 ? '"btrt db create" makes them' : '"btrt db upgrade"');
}
