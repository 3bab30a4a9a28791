/** SQLite: an embedded database, a file. */
import type { DatabaseKind } from "../database-kind.ts";
import { MIGRATIONS } from "./migrations.ts";

const SCHEME = "sqlite:";

/** `sqlite:FILE`. */
export const sqlite: DatabaseKind = {
  urlForms: ["sqlite:FILE"],
  urlPattern: /^sqlite:.+$/,
  description: '"sqlite:FILE" is embedded',
  suggestion: "sqlite:FILE",
  migrations: MIGRATIONS,
  embedded: {
    fileOf: (url) => url.slice(SCHEME.length),
    tryPlace: async (file) => (await import("./place.ts")).tryPlace(file),
    loadRepair: async () => (await import("./replace-file.ts")).FILE_REPAIR,
  },
  open: async ({ url }) => {
    const { SqliteDatabase } = await import("./sqlite-database.ts");
    return await SqliteDatabase.open(url.slice(SCHEME.length));
  },
};
