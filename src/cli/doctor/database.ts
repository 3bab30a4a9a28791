/** Whether the database can be used, and has the schema that this version needs. */
import { constants, existsSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { databaseSettings } from "../../config/database-settings.ts";
import { type Database, DatabaseError, type DatabaseFailure } from "../../storage/database.ts";
import { SCHEMA_VERSION } from "../../storage/migrations/migrations.ts";
import { dialectOf, openDatabase, sqlitePath } from "../../storage/open-database.ts";
import { nearestDirectory } from "./disk.ts";
import { type Finding, ok, problem, type Subject } from "./finding.ts";

const REMEDIES: Readonly<Record<DatabaseFailure, string>> = {
  away: "see that it runs, and that database.url names it",
  claimed: "only one tracker at a time uses a database: stop the other",
  corrupt: "the tracker renames it and begins a new one; restore a copy to keep what it held",
  denied: "see database.user and its password, and that the schema is granted to it",
  schema: '"btrt db upgrade" brings older tables forward; newer ones need the version that made them',
};

/** Opens it, looks, and closes it. */
export async function checkDatabase({ loaded }: Pick<Subject, "loaded">): Promise<Finding[]> {
  const settings = databaseSettings(loaded, process.env);
  if (dialectOf(settings) === "sqlite" && !existsSync(sqlitePath(settings.url))) {
    return [await checkPlace(sqlitePath(settings.url))];
  }
  let database: Database | undefined;
  try {
    database = await openDatabase(settings);
    const upgrades = loaded.config.database.auto_upgrade || dialectOf(settings) === "sqlite";
    return [judgeVersion(database.name, await database.version(), upgrades)];
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return [problem(error.message, REMEDIES[error.failure])];
  } finally {
    await database?.close();
  }
}

/** An embedded database is made at the first start, if it can be. */
async function checkPlace(file: string): Promise<Finding> {
  const directory = nearestDirectory(dirname(file));
  const writable = await access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (writable) return ok(`${file} will be made at the first start`);
  return problem(
    `${directory} cannot be written: ${file} cannot be made`,
    "give it to the tracker's user, or see database.url",
  );
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
