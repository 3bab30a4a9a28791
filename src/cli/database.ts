/** The commands `btrt db`, for administration of the database. */
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { databaseSettings } from "../config/database-settings.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { countText } from "../model/count-text.ts";
import { type Database, DatabaseError } from "../storage/database.ts";
import type { DatabaseSettings } from "../storage/database-kind.ts";
import { databaseFile, databaseKind, openDatabase } from "../storage/databases.ts";
import { explainVersion, migrationScript, SCHEMA_VERSION } from "../storage/schema.ts";
import { exportSwarms, importSwarms, SwarmFileError } from "../storage/swarm-file.ts";
import { print, printError } from "./output.ts";
import { asServiceUser } from "./service-user.ts";

const MEBIBYTE = 1024 * 1024;

/** The input of a command. */
interface Work {
  readonly settings: DatabaseSettings;
  readonly configFile: string;
  /** The `--print` flag, and the file argument. */
  readonly print: boolean;
  readonly file: string;
}

type Command = (work: Work) => Promise<string>;

const COMMANDS = {
  create: ({ settings, configFile, print }) =>
    print
      ? Promise.resolve(migrationScript(databaseKind(settings).migrations, 0))
      : using({ settings, configFile }, "make", async (database) => {
          const version = await database.version();
          if (version === SCHEMA_VERSION) return `${database.name}: the schema exists, version ${version}\n`;
          if (version > 0) throw new DatabaseError("schema", explainVersion(database.name, version));
          await database.migrate();
          return `${database.name}: created the schema, version ${SCHEMA_VERSION}\n`;
        }),
  upgrade: ({ settings, configFile, print }) =>
    using({ settings, configFile }, print ? "read" : "change", async (database) => {
      const version = await database.version();
      if (version === 0) throw new DatabaseError("schema", explainVersion(database.name, version));
      if (version > SCHEMA_VERSION) throw new DatabaseError("schema", explainVersion(database.name, version));
      if (print) return migrationScript(databaseKind(settings).migrations, version);
      await database.migrate();
      const from = version === SCHEMA_VERSION ? "is" : `was ${version}, and is now`;
      return `${database.name}: the schema's version ${from} ${SCHEMA_VERSION}\n`;
    }),
  status: (work) =>
    using(work, "read", async (database) => {
      const version = await database.version();
      if (version === 0) throw new DatabaseError("schema", explainVersion(database.name, version));
      const { swarms, inactive, bytes } = await database.size();
      const rows = [
        ["database", database.name],
        ["version", `${version}${version === SCHEMA_VERSION ? "" : ` (${SCHEMA_VERSION} is required)`}`],
        ["swarms", (swarms - inactive).toLocaleString("en")],
        ["inactive", inactive.toLocaleString("en")],
        ["size", `${Math.ceil(bytes / MEBIBYTE).toLocaleString("en")} MiB`],
      ];
      return rows.map(([name, value]) => `${name.padEnd(16)}${value}\n`).join("");
    }),
  export: ({ file, ...work }) =>
    using(work, "read", async (database) => {
      await requireVersion(database);
      await pipeline(Readable.from(exportSwarms(database, Date.now() / 1000)), createWriteStream(file));
      return `${file}: written\n`;
    }),
  import: ({ file, ...work }) =>
    using(work, "change", async (database) => {
      await requireVersion(database);
      const { swarms, totals } = await importSwarms(database, createReadStream(file));
      return `${database.name}: ${countText(swarms, "torrent")} and ${countText(totals, "total")} imported\n`;
    }),
} as const satisfies Record<string, Command>;

/** The name of a `db` command. */
export type DatabaseCommand = keyof typeof COMMANDS;

/**
 * Runs a `db` command, and prints its result to standard output.
 * @returns the exit code.
 */
export async function runDatabaseCommand(
  command: DatabaseCommand,
  configFile: string,
  options: { readonly print?: boolean; readonly file?: string },
): Promise<number> {
  const loaded = await loadConfig({ configFile });
  if (loaded.config === null) {
    printError(`btrt: ${loaded.problems.map(formatProblem).join("\n")}`);
    return 1;
  }
  const settings = databaseSettings(loaded, process.env);
  try {
    return await print(
      await COMMANDS[command]({
        settings,
        configFile,
        print: options.print ?? false,
        file: options.file ?? "",
      }),
    );
  } catch (error) {
    printError(`btrt: ${explain(error)}`);
    return 1;
  }
}

/** Opens the database for one command. @param purpose reading is possible while a tracker runs. */
async function using(
  { settings, configFile }: Pick<Work, "settings" | "configFile">,
  purpose: "read" | "change" | "make",
  work: (database: Database) => Promise<string>,
): Promise<string> {
  const file = databaseFile(settings);
  if (purpose !== "make" && file !== undefined && !existsSync(file))
    throw new DatabaseError("unavailable", `${file}: no such file: "btrt db create" makes it`);
  // A new file belongs to the user of the service, also if root creates it.
  const database = await asServiceUser(configFile, () => openDatabase(settings));
  try {
    if (purpose !== "read") await asServiceUser(configFile, () => database.claim());
    return await work(database);
  } finally {
    await database.close();
  }
}

async function requireVersion(database: Database): Promise<void> {
  const version = await database.version();
  if (version !== SCHEMA_VERSION) throw new DatabaseError("schema", explainVersion(database.name, version));
}

function explain(error: unknown): string {
  if (error instanceof DatabaseError) return `database: ${error.message}`;
  if (error instanceof SwarmFileError || (error instanceof Error && "code" in error)) return error.message;
  throw error;
}
