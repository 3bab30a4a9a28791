/** All kinds of databases. A kind is added here and nowhere else. */
import type { Database } from "./database.ts";
import type { DatabaseKind, DatabaseSettings } from "./database-kind.ts";
import { mysql } from "./mysql/mysql.ts";
import { sqlite } from "./sqlite/sqlite.ts";

/** The kinds, in the order in which messages name them. */
export const DATABASE_KINDS: readonly DatabaseKind[] = [sqlite, mysql];

/** The kind whose scheme a URL has, or undefined when there is none. */
export function findDatabaseKind(url: string): DatabaseKind | undefined {
  const scheme = url.slice(0, url.indexOf(":") + 1);
  return DATABASE_KINDS.find(({ urlForms }) =>
    urlForms.some((form) => scheme !== "" && form.startsWith(scheme)),
  );
}

/** The kind of a URL that the configuration has accepted. */
export function databaseKind({ url }: Pick<DatabaseSettings, "url">): DatabaseKind {
  const kind = findDatabaseKind(url);
  if (kind === undefined) throw new RangeError(`no kind of database has the URL ${url}`);
  return kind;
}

/** Opens the database that a configuration names. @throws DatabaseError */
export function openDatabase(settings: DatabaseSettings): Promise<Database> {
  return databaseKind(settings).open(settings);
}

/** The file of an embedded database; undefined for a server. */
export function databaseFile({ url }: Pick<DatabaseSettings, "url">): string | undefined {
  return databaseKind({ url }).embedded?.fileOf(url);
}
