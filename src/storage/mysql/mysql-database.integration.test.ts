import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RowDataPacket } from "mysql2/promise";
import { until } from "../../../test/support/bed.ts";
import { MARIADB_PASSWORD, MariaDb } from "../../../test/support/mariadb.ts";
import { toolsMissing } from "../../../test/support/tools.ts";
import { ACTIVITY_WIDTH } from "../../store/group-activity.ts";
import { testDatabase } from "../conformance.ts";
import { BEFORE_ALL, DatabaseError } from "../database.ts";
import type { DatabaseSettings } from "../database-kind.ts";
import { openDatabase } from "../databases.ts";
import { MIGRATIONS } from "./migrations.ts";

const NO_TLS = { tls: false, tlsCa: null } as const;

/** All columns and indexes. Collations are the server's own, except the one that the schema asks for. */
const COLUMNS = `SELECT CONCAT_WS(' ', table_name, column_name, column_type, IF(is_nullable = 'NO', 'NOT NULL', NULL),
CONCAT('DEFAULT ', column_default), collation_name) AS line
FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position`;
const INDEXES = `SELECT CONCAT_WS(' ', table_name, 'KEY', index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index),
IF(MAX(non_unique) = 0, 'UNIQUE', NULL)) AS line
FROM information_schema.statistics WHERE table_schema = ? GROUP BY table_name, index_name ORDER BY table_name, index_name`;
const ENGINES = `SELECT CONCAT_WS(' ', table_name, 'ENGINE', engine) AS line
FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name`;

async function describeSchema(server: MariaDb, schema: string): Promise<string[]> {
  const connection = await server.connect();
  const lines: string[] = [];
  for (const sql of [COLUMNS, INDEXES, ENGINES]) {
    const [rows] = await connection.query<RowDataPacket[]>(sql, [schema]);
    lines.push(...rows.map(({ line }) => String(line)));
  }
  await connection.end();
  return lines;
}

describe("MariaDB", { skip: toolsMissing(["mariadb-server"]) }, () => {
  let server: MariaDb;
  let clear = async () => {};
  before(async () => {
    const whenOver = (done: () => Promise<void>) => {
      clear = done;
    };
    server = await MariaDb.start({ after: whenOver });
  });
  after(() => clear());

  async function makeSettings(): Promise<DatabaseSettings> {
    return { ...(await server.makeSchema()), ...NO_TLS };
  }

  testDatabase(async () => {
    const settings = await makeSettings();
    return {
      migrations: MIGRATIONS,
      repeatsSteps: true,
      open: () => openDatabase(settings),
      execute: (statements) => server.execute([`USE ${settings.schema}`, ...statements]),
      describeSchema: () => describeSchema(server, settings.schema),
      goldenSchema: new URL("schema.golden.txt", import.meta.url),
    };
  });

  test("an error of connecting gives the reason, and never the password", async () => {
    const settings = await makeSettings();
    const cases: [Partial<DatabaseSettings>, string, RegExp][] = [
      [{ password: `${MARIADB_PASSWORD}?` }, "denied", /refuses this user or password/],
      [{ schema: "mysql" }, "denied", /no rights/],
      [{ url: "tcp://127.0.0.1:1" }, "unavailable", /no server listens/],
      [{ tls: true }, "denied", /TLS/],
    ];
    for (const [changed, failure, reason] of cases) {
      await assert.rejects(openDatabase({ ...settings, ...changed }), (error) => {
        assert.ok(error instanceof DatabaseError);
        assert.equal(error.failure, failure, error.message);
        assert.match(error.message, reason);
        assert.ok(!error.message.includes(MARIADB_PASSWORD), error.message);
        return true;
      });
    }
  });

  test("a lost connection is opened again, with its claim", async (t) => {
    const settings = await makeSettings();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    await database.migrate();
    await database.claim();
    await server.kill();
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), DatabaseError);
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), /no server listens/);
    await server.start();
    assert.deepEqual(await database.readSwarms(BEFORE_ALL, 1, true), []);
    const other = await openDatabase(settings);
    t.after(() => other.close());
    await assert.rejects(other.claim(), /another tracker/);
  });

  test("a lost connection whose claim was taken meanwhile is closed", {
    timeout: 120_000,
  }, async (t) => {
    const settings = await makeSettings();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    await database.migrate();
    await database.claim();
    const root = await server.connect();
    t.after(() => root.end());
    const connections = async () => {
      const [found] = await root.query<RowDataPacket[]>(
        `SELECT id FROM information_schema.processlist WHERE db = '${settings.schema}'`,
      );
      return found.map(({ id }) => id);
    };
    const [id] = await connections();
    await root.query(`KILL ${id}`);
    await root.query(`SELECT GET_LOCK('btrt tracker ${settings.schema}', 30)`);
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), DatabaseError);
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), /another tracker/);
    await until("the server has no connection of ours", async () => (await connections()).length === 0);
  });

  test("a failing statement does not affect concurrent writes", async (t) => {
    const settings = await makeSettings();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    await database.migrate();
    const counts = Array<number>(ACTIVITY_WIDTH).fill(1);
    const totals = ["a", "b", "c"].map((group) => ({ span: 300, start: 600, group, counts }));
    const adding = database.addTotals(totals);
    await assert.rejects(database.readTotals(Number.NaN, 0), DatabaseError);
    await adding;
    assert.deepEqual(
      (await database.readTotals(300, 0)).map(({ group }) => group),
      ["a", "b", "c"],
    );
  });

  test("a server that has stopped answering does not keep the process alive", async (t) => {
    const settings = await makeSettings();
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    const before = sockets();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    assert.equal(sockets(), before + 1);
    process.kill(server.pid, "SIGSTOP");
    try {
      await database.close();
      await until("nothing holds it", () => sockets() === before);
    } finally {
      process.kill(server.pid, "SIGCONT");
    }
  });

  test("a closed database is not opened again", async (t) => {
    const settings = await makeSettings();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    const reading = database.readSwarms(BEFORE_ALL, 1, true).catch(() => {});
    await Promise.all([database.close(), reading]);
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), /closed/);
  });
});
