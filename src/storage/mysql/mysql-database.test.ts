import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { MARIADB_PASSWORD, MariaDb } from "../../../test/mariadb.ts";
import { toolsMissing } from "../../../test/tools.ts";
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
});
