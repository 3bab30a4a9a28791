/**
 * The versions of the schema. Each database has its own statements for each version, as literal text in its folder's
 * `migrations.ts`. A released step never changes: a later step corrects it. The tests compare the schema that the steps
 * make with the golden file of every released version.
 */

/** What each version adds, from version 1 on. */
const VERSIONS = [
  "a row for every swarm",
  "hourly and daily totals of every peer group",
  "estimates of external traffic, in the totals of every peer group",
  "handshakes that a router or DPI box has seen and refused, in the totals of no group",
  "a checksum of every row, where the database has none itself",
  "what the gate does, in the totals of no group",
] as const;

/** What the guard of a script does. */
const GUARD = "fails if another program has tables with these names";

/** The version that this program works with. */
export const SCHEMA_VERSION = VERSIONS.length;

/** A list of statements for each version: a database that lacks a version is an error of the types. */
type OfEachVersion<Versions extends readonly string[]> = {
  readonly [Version in keyof Versions]: readonly string[];
};

/** How one database gets its schema. */
export interface Migrations {
  /**
   * Statements for a script, before the first version: they fail if another program has tables with our names. Empty
   * where no script is needed, as the tracker itself makes the tables.
   */
  readonly guard: readonly string[];
  /** Creates the table of applied versions, `btrt_schema`, unless it exists. */
  readonly createVersionTable: string;
  /** The beginning of an `INSERT` that ignores a row that exists. */
  readonly insertOrIgnore: string;
  /** An expression for the time in seconds since 1970. */
  readonly now: string;
  /**
   * The statements of every version, in order. Where the database cannot roll back a step as a whole, every statement
   * can be executed again.
   */
  readonly steps: OfEachVersion<typeof VERSIONS>;
}

/** What is wrong with a schema whose version is not {@link SCHEMA_VERSION}, for operators. @param name the database's. */
export function explainVersion(name: string, version: number): string {
  if (version > SCHEMA_VERSION)
    return `${name}: its schema, version ${version}, is of a later version of btrt`;
  if (version === 0) return `${name}: it has no tables yet: run "btrt db create"`;
  return `${name}: its schema is of version ${version}, and ${SCHEMA_VERSION} is needed: run "btrt db upgrade"`;
}

/**
 * The statements that lead from one version to another: a list for every step, which ends by recording that the step was
 * applied.
 * @param from 0 for an empty database.
 */
export function stepsFrom(migrations: Migrations, from: number, to: number = SCHEMA_VERSION): string[][] {
  const { createVersionTable, insertOrIgnore, now, steps } = migrations;
  return steps
    .slice(from, to)
    .map((statements, i) => [
      createVersionTable,
      ...statements,
      `${insertOrIgnore} INTO btrt_schema (version, applied_at) VALUES (${from + i + 1}, ${now})`,
    ]);
}

/** The statements from one version to the newest as a script, for a database administrator to run. */
export function migrationScript(migrations: Migrations, from: number): string {
  const section = (title: string, statements: readonly string[]) =>
    `-- ${title}\n${statements.map((sql) => `${sql};\n`).join("")}`;
  const guard = from === 0 && migrations.guard.length > 0 ? [section(GUARD, migrations.guard)] : [];
  const versions = stepsFrom(migrations, from).map((statements, i) =>
    section(`version ${from + i + 1}: ${VERSIONS[from + i]}`, statements),
  );
  return [...guard, ...versions].join("\n");
}
