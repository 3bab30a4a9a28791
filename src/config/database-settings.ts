/** What storage needs to open the database that a configuration names. */
import type { LoadedConfig } from "./load.ts";

/** Where a password can be that is to be in no file. */
const PASSWORD_VARIABLE = "BTRT_DATABASE_PASSWORD";

/** @param environment the process's. */
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
