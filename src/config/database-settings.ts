/** Extracts the database settings from a configuration. */
import type { LoadedConfig } from "./load.ts";

/** The environment variable for a password that should be in no file. */
const PASSWORD_VARIABLE = "BTRT_DATABASE_PASSWORD";

/** The settings that storage needs to open the database. @param environment the process's. */
export function databaseSettings(
  { config: { database }, databasePassword }: LoadedConfig,
  environment: Readonly<Record<string, string | undefined>>,
) {
  return {
    url: database.url,
    user: database.user,
    password: environment[PASSWORD_VARIABLE] ?? databasePassword,
    schema: database.schema,
    tls: database.tls,
    tlsCa: database.tls_ca,
  };
}
