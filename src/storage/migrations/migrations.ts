/**
 * The schema's versions, one step after the other. A step that has been released is never changed: the next one mends
 * it. On a server every statement can be executed again, as it cannot take a step back as a whole; SQLite can.
 */

/** The two languages that statements are written in. */
export type Dialect = "sqlite" | "mysql";

/** One step. */
interface Migration {
  /** From 1 on, without gaps. */
  readonly version: number;
  readonly what: string;
  readonly statements: Readonly<Record<Dialect, readonly string[]>>;
}

/** Where the version is kept: a row for every step. */
const VERSION_TABLE: Readonly<Record<Dialect, string>> = {
  sqlite: "CREATE TABLE IF NOT EXISTS btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)",
  mysql: `CREATE TABLE IF NOT EXISTS btrt_schema (
  version INT UNSIGNED NOT NULL PRIMARY KEY,
  applied_at INT UNSIGNED NOT NULL
) ENGINE=InnoDB`,
};

/** Bytes from and to outside, and what they would be at random. */
const ESTIMATES = ["outside_downloaded", "outside_uploaded", "random_downloaded", "random_uploaded"];

/** Across the border. */
const HANDSHAKES = ["handshakes_seen", "handshakes_refused"];

const GIVEN = Array.from({ length: 8 }, (_, tier) => `given_${tier}`);

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    what: "a row for every swarm",
    statements: {
      sqlite: [
        `CREATE TABLE IF NOT EXISTS swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
) WITHOUT ROWID`,
        "CREATE INDEX IF NOT EXISTS swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL",
      ],
      mysql: [
        `CREATE TABLE IF NOT EXISTS swarm (
  info_hash BINARY(20) NOT NULL PRIMARY KEY,
  first_seen INT UNSIGNED NOT NULL,
  last_seen INT UNSIGNED NOT NULL,
  downloaded INT UNSIGNED NOT NULL,
  quiet_since INT UNSIGNED,
  peers LONGBLOB NOT NULL,
  KEY swarm_quiet (quiet_since)
) ENGINE=InnoDB`,
      ],
    },
  },
  {
    version: 2,
    what: "hourly and daily totals of every peer group",
    statements: {
      sqlite: [
        `CREATE TABLE IF NOT EXISTS group_total (
  span INTEGER NOT NULL,
  start INTEGER NOT NULL,
  peer_group TEXT NOT NULL,
  announces INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  uploaded INTEGER NOT NULL,
${GIVEN.map((column) => `  ${column} INTEGER NOT NULL,`).join("\n")}
  PRIMARY KEY (span, start, peer_group)
) WITHOUT ROWID`,
      ],
      mysql: [
        `CREATE TABLE IF NOT EXISTS group_total (
  span INT UNSIGNED NOT NULL,
  start INT UNSIGNED NOT NULL,
  peer_group VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  announces BIGINT UNSIGNED NOT NULL,
  downloaded BIGINT UNSIGNED NOT NULL,
  uploaded BIGINT UNSIGNED NOT NULL,
${GIVEN.map((column) => `  ${column} BIGINT UNSIGNED NOT NULL,`).join("\n")}
  PRIMARY KEY (span, start, peer_group)
) ENGINE=InnoDB`,
      ],
    },
  },
  {
    version: 3,
    what: "estimates of external traffic, in the totals of every peer group",
    statements: {
      sqlite: ESTIMATES.map(
        (column) => `ALTER TABLE group_total ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`,
      ),
      mysql: addColumns("group_total", ESTIMATES, "BIGINT UNSIGNED NOT NULL DEFAULT 0"),
    },
  },
  {
    version: 4,
    what: "handshakes that a router or DPI box has seen and refused, in the totals of no group",
    statements: {
      sqlite: HANDSHAKES.map(
        (column) => `ALTER TABLE group_total ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`,
      ),
      mysql: addColumns("group_total", HANDSHAKES, "BIGINT UNSIGNED NOT NULL DEFAULT 0"),
    },
  },
  {
    version: 5,
    what: "a checksum of every row, where the database has none itself",
    statements: {
      sqlite: ["swarm", "group_total"].map((table) => `ALTER TABLE ${table} ADD COLUMN row_sum INTEGER`),
      mysql: [],
    },
  },
];

/** Adds columns unless the first is there: MySQL has no `IF NOT EXISTS` for them. */
function addColumns(table: string, columns: readonly string[], type: string): string[] {
  const added = columns.map((column) => `ADD COLUMN ${column} ${type}`).join(", ");
  return [
    `SET @btrt_step = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE()
AND table_name = '${table}' AND column_name = '${columns[0]}'), 'DO 0', 'ALTER TABLE ${table} ${added}')`,
    "PREPARE btrt_step FROM @btrt_step",
    "EXECUTE btrt_step",
    "DEALLOCATE PREPARE btrt_step",
  ];
}

/** The version that this program works with. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** What an operator is told of a schema that is not of {@link SCHEMA_VERSION}. @param name the database's. */
export function explainVersion(name: string, version: number): string {
  if (version > SCHEMA_VERSION)
    return `${name}: its schema, version ${version}, is of a later version of btrt`;
  if (version === 0) return `${name}: it has no tables yet: run "btrt db create"`;
  return `${name}: its schema is of version ${version}, and ${SCHEMA_VERSION} is needed: run "btrt db upgrade"`;
}

/**
 * The statements that lead from one version to another, a list for every step; each step ends with the note that it was
 * done.
 * @param from 0 for an empty database.
 * @param now seconds since 1970, or an expression for them in the dialect.
 */
export function stepsFrom(from: number, to: number, dialect: Dialect, now: number | string): string[][] {
  const version = dialect === "sqlite" ? "INSERT OR IGNORE" : "INSERT IGNORE";
  return MIGRATIONS.slice(from, to).map(({ version: number, statements }) => [
    VERSION_TABLE[dialect],
    ...statements[dialect],
    `${version} INTO btrt_schema (version, applied_at) VALUES (${number}, ${now})`,
  ]);
}

/** The statements from one version to the newest as a script, for a database administrator to run. */
export function migrationScript(from: number, dialect: Dialect): string {
  const now = dialect === "sqlite" ? "strftime('%s', 'now')" : "UNIX_TIMESTAMP()";
  const steps = stepsFrom(from, SCHEMA_VERSION, dialect, now);
  return MIGRATIONS.slice(from)
    .map(
      ({ version, what }, i) =>
        `-- version ${version}: ${what}\n${steps[i].map((sql) => `${sql};\n`).join("")}`,
    )
    .join("\n");
}
