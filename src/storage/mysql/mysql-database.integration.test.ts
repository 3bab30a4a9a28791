import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RowDataPacket } from "mysql2/promise";
import { until } from "../../../test/support/bed.ts";
import { MARIADB_PASSWORD, MariaDb } from "../../../test/support/mariadb.ts";
import { toolsMissing } from "../../../test/support/tools.ts";
import { ACTIVITY_WIDTH } from "../../tracker/group-activity.ts";
import { testDatabase } from "../conformance.ts";
import { BEFORE_ALL, DatabaseError } from "../database.ts";
import { type DatabaseSettings, openDatabase } from "../open-database.ts";

const NO_TLS = { tls: false, tlsCa: null } as const;

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
      dialect: "mysql",
      open: () => openDatabase(settings),
      execute: (statements) => server.execute([`USE ${settings.schema}`, ...statements]),
    };
  });

  test("what keeps from connecting is said, and never the password", async () => {
    const settings = await makeSettings();
    const cases: [Partial<DatabaseSettings>, string, RegExp][] = [
      [{ password: `${MARIADB_PASSWORD}?` }, "denied", /refuses this user or password/],
      [{ schema: "mysql" }, "denied", /no rights/],
      [{ url: "tcp://127.0.0.1:1" }, "away", /nobody answers/],
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

  test("a lost connection is made again, with its claim", async (t) => {
    const settings = await makeSettings();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    await database.migrate();
    await database.claim();
    await server.kill();
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), DatabaseError);
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), /nobody answers/);
    await server.start();
    assert.deepEqual(await database.readSwarms(BEFORE_ALL, 1, true), []);
    const other = await openDatabase(settings);
    t.after(() => other.close());
    await assert.rejects(other.claim(), /another tracker/);
  });

  test("a lost connection whose claim somebody else has now is not left behind", {
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

  test("a statement that fails takes nothing from what is written beside it", async (t) => {
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

  test("a server that has stopped answering does not keep the process from ending", async (t) => {
    const settings = await makeSettings();
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    const before = sockets();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    assert.equal(sockets(), before + 1);
    process.kill(server.pid, "SIGSTOP");
    try {
      await database.close();
      await until("nothing holds it", () => sockets() === before, 10_000);
    } finally {
      process.kill(server.pid, "SIGCONT");
    }
  });

  test("after it is closed nothing opens it again", async (t) => {
    const settings = await makeSettings();
    const database = await openDatabase(settings);
    t.after(() => database.close());
    const reading = database.readSwarms(BEFORE_ALL, 1, true).catch(() => {});
    await Promise.all([database.close(), reading]);
    await assert.rejects(database.readSwarms(BEFORE_ALL, 1, true), /closed/);
  });
});
