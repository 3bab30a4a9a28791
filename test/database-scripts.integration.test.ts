/** The SQL files of the package, run as the original's manual says: with the client's standard input. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { CREATION_SCRIPT, UPGRADE_SCRIPT } from "../packaging/database-scripts.ts";
import type { DatabaseSettings } from "../src/storage/database-kind.ts";
import { openDatabase } from "../src/storage/databases.ts";
import { MIGRATIONS } from "../src/storage/mysql/migrations.ts";
import { SCHEMA_VERSION, stepsFrom } from "../src/storage/schema.ts";
import { MARIADB_PASSWORD, MariaDb } from "./support/mariadb.ts";
import { toolsMissing } from "./support/tools.ts";

describe("the SQL files of the package", { skip: toolsMissing(["mariadb-server"]) }, () => {
  let server: MariaDb;
  let clear = async () => {};
  let settings: DatabaseSettings;
  before(async () => {
    const whenOver = (done: () => Promise<void>) => {
      clear = done;
    };
    server = await MariaDb.start({ after: whenOver });
    const made = await server.makeSchema();
    await server.execute(`GRANT ALL PRIVILEGES ON btrt.* TO '${made.user}'@'127.0.0.1'`);
    settings = { ...made, schema: "btrt", tls: false, tlsCa: null };
  });
  after(() => clear());

  const CLIENT = ["--no-defaults", "-h127.0.0.1", "-ubtrt", `-p${MARIADB_PASSWORD}`];
  const run = (script: string) =>
    spawnSync("mariadb", [...CLIENT, `-P${server.port}`], { input: script, encoding: "utf8" });

  async function versionAfter(script: string, before: readonly string[]): Promise<number> {
    await server.execute(["DROP DATABASE IF EXISTS btrt", "CREATE DATABASE btrt", "USE btrt", ...before]);
    const { status, stderr } = run(script);
    assert.equal(status, 0, stderr);
    const database = await openDatabase(settings);
    const version = await database.version();
    assert.equal((await database.size()).swarms, 0);
    await database.close();
    return version;
  }

  test("create the tables, and upgrade those of every earlier version", async () => {
    assert.equal(await versionAfter(CREATION_SCRIPT, []), SCHEMA_VERSION);
    assert.equal(run(CREATION_SCRIPT).status, 0, "a second time");
    for (let version = 0; version <= SCHEMA_VERSION; version++) {
      const before = stepsFrom(MIGRATIONS, 0, version).flat();
      assert.equal(await versionAfter(UPGRADE_SCRIPT, before), SCHEMA_VERSION, `from version ${version}`);
    }
  });

  test("do not touch the tables of another program", async () => {
    const theirs = ["CREATE TABLE peers (id INT)", "INSERT INTO peers VALUES (7)"];
    assert.equal(await versionAfter(UPGRADE_SCRIPT, theirs), SCHEMA_VERSION);
    const dump = () =>
      execFileSync("mariadb-dump", [...CLIENT, `-P${server.port}`, "--skip-comments", "btrt"], {
        encoding: "utf8",
      });
    assert.match(dump(), /INSERT INTO `peers` VALUES\s*\(7\)/);

    const alike = ["CREATE TABLE swarm (id INT)", "INSERT INTO swarm VALUES (7)"];
    await server.execute(["DROP DATABASE btrt", "CREATE DATABASE btrt", "USE btrt", ...alike]);
    const before = dump();
    for (const script of [CREATION_SCRIPT, UPGRADE_SCRIPT]) {
      const { status, stderr } = run(script);
      assert.equal(status, 1);
      assert.match(stderr, /swarm or group_total is a table of another program/);
    }
    const database = await openDatabase(settings);
    await assert.rejects(database.migrate(), {
      failure: "foreign",
      message: new RegExp(
        'btrt: its table "swarm" is of another program, and was not changed: create a schema of its own, ' +
          "and name it in database.schema$",
      ),
    });
    await database.close();
    assert.equal(dump(), before);
  });
});
