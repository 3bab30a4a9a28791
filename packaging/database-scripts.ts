/**
 * The SQL files under the names of the original's manual, which runs them with `mysql < FILE` and names no schema. Both
 * make the present tables, from none or from those of an earlier version.
 */
import { MIGRATIONS } from "../src/storage/mysql/migrations.ts";
import { migrationScript } from "../src/storage/schema.ts";

const SCRIPT = `--
-- For a schema with another name, change the next line, or run "btrt db create".
USE \`btrt\`;

${migrationScript(MIGRATIONS, 0)}`;

/** The content of `btrt.db_creation.sql`. */
export const CREATION_SCRIPT = `-- Creates the tables of BTRT. It changes no table of another program.
${SCRIPT}`;

/** The content of `btrt.db_upgrade_2.1.0.sql`. */
export const UPGRADE_SCRIPT = `-- Upgrades the tables of an earlier version of BTRT. It changes no table of another program: those of
-- VAS Experts' BTRT stay as they are, and new tables are created beside them.
${SCRIPT}`;
