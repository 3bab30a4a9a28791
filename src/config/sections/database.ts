/** `database`: what survives a restart, and where it is stored. */
import { isIP } from "node:net";
import { DATABASE_KINDS } from "../../storage/databases.ts";
import { filePath, flag, integer, optional, rule, section, text } from "../fields.ts";

const FORMS = DATABASE_KINDS.flatMap(({ urlForms }) => urlForms.map((form) => `"${form}"`));

const url = text().refine((value) => DATABASE_KINDS.some(({ urlPattern }) => urlPattern.test(value)), {
  error: `must be ${FORMS.slice(0, -1).join(", ")} or ${FORMS.at(-1)}`,
});

/** The keys of the original BTRT, and our own. The password of a server is text, in a file, or in the environment. */
export const database = section(
  {
    url: url
      .default("sqlite:var/btrt.db")
      .describe(`${DATABASE_KINDS.map(({ description }) => description).join("; ")}.`),
    user: text().default("root").describe("The user name on the database server."),
    password: optional(text()).meta({
      description: "The user's password.",
      examples: ["password_for_btrt_user"],
    }),
    password_file: optional(filePath).meta({
      description:
        "A file with the password. It takes precedence over password. BTRT_DATABASE_PASSWORD in the environment takes precedence over both.",
      examples: ["/etc/btrt/database_password"],
    }),
    schema: text().default("btrt").describe("The schema on the database server."),
    tls: flag()
      .default(false)
      .describe("true: the connection to the server uses TLS, and the server's certificate is checked."),
    tls_ca: optional(filePath).meta({
      description:
        "A file with the CA certificate (PEM) for the server's certificate. It is not needed for a public CA.",
      examples: ["/etc/btrt/database_ca.pem"],
    }),
    save_interval: integer(1, 3600)
      .default(60)
      .describe("Seconds between saves of changes. A crash loses the changes since the last save."),
    required: flag()
      .default(true)
      .describe("false: the tracker also starts while the database is unavailable."),
    auto_upgrade: flag()
      .default(false)
      .describe(
        "true: the tables on a server are created and upgraded at start. Those of an embedded database always are.",
      ),
    quiet_days: integer(0, 3650)
      .default(90)
      .describe("Days for which a torrent's counts are kept after its last peer has left."),
  },
  rule(["tls", "url"], ({ tls, url }) =>
    tls && isIP(hostOf(url)) !== 0
      ? "needs the server's name in url, not its address: its certificate is checked for the name"
      : undefined,
  ),
);

/** The host of a server's URL, without the brackets of an IPv6 address. */
function hostOf(url: string): string {
  return /^\w+:\/\/\[?([^/\]]*?)\]?(:\d+)?(\/.*)?$/.exec(url)?.[1] ?? "";
}
