/** `database`: where swarms survive a restart. */
import { filePath, flag, integer, optional, section, text } from "../fields.ts";

const url = text().regex(/^(sqlite:.+|(tcp|mysql):\/\/[^\s/@]+(\/.*)?)$/, {
  error: 'must be "sqlite:FILE", "tcp://HOST:PORT" or "mysql://HOST:PORT"',
});

/** The keys of the original, and ours. The password of a server is text or in a file. */
export const database = section({
  url: url
    .default("sqlite:var/btrt.db")
    .describe('"sqlite:FILE" is embedded; "tcp://127.0.0.1:3306" is a MySQL or MariaDB server.'),
  user: text().default("root").describe("The server's user name."),
  password: optional(text()).meta({
    description: "The user's password.",
    examples: ["password_for_btrt_user"],
  }),
  password_file: optional(filePath).meta({
    description: "A file that holds the password. It counts before password.",
    examples: ["/etc/btrt/database_password"],
  }),
  schema: text().default("btrt").describe("The server's schema."),
  save_interval: integer(1, 3600)
    .default(60)
    .describe("Seconds between savings of what changed: as much may be lost by a crash."),
  required: flag().default(true).describe("false: without the database the tracker starts nevertheless."),
  auto_upgrade: flag()
    .default(false)
    .describe(
      "true: a server's schema of an earlier version is upgraded at start. The embedded one always is.",
    ),
});
