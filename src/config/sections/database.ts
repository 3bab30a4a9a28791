/** `database`: where swarms survive a restart. */
import { isIP } from "node:net";
import { DATABASE_KINDS } from "../../storage/databases.ts";
import { filePath, flag, integer, optional, rule, section, text } from "../fields.ts";

const FORMS = DATABASE_KINDS.flatMap(({ urlForms }) => urlForms.map((form) => `"${form}"`));

const url = text().refine((value) => DATABASE_KINDS.some(({ urlPattern }) => urlPattern.test(value)), {
  error: `must be ${FORMS.slice(0, -1).join(", ")} or ${FORMS.at(-1)}`,
});

/** The keys of the original, and ours. The password of a server is text, in a file, or in the environment. */
export const database = section(
  {
    url: url
      .default("sqlite:var/btrt.db")
      .describe(`${DATABASE_KINDS.map(({ description }) => description).join("; ")}.`),
    user: text().default("root").describe("The server's user name."),
    password: optional(text()).meta({
      description: "The user's password.",
      examples: ["password_for_btrt_user"],
    }),
    password_file: optional(filePath).meta({
      description:
        "A file that holds the password. It counts before password, and BTRT_DATABASE_PASSWORD in the environment before both.",
      examples: ["/etc/btrt/database_password"],
    }),
    schema: text().default("btrt").describe("The server's schema."),
    tls: flag().default(false).describe("true: TLS is spoken with the server, and its certificate checked."),
    tls_ca: optional(filePath).meta({
      description:
        "A file with the certificate that signs the server's (PEM), unless a public authority does.",
      examples: ["/etc/btrt/database_ca.pem"],
    }),
    save_interval: integer(1, 3600)
      .default(60)
      .describe("Seconds between savings of what changed: as much may be lost by a crash."),
    required: flag().default(true).describe("false: without the database the tracker starts nevertheless."),
    auto_upgrade: flag()
      .default(false)
      .describe("true: a server's schema is made and upgraded at start. The embedded one always is."),
    quiet_days: integer(0, 3650)
      .default(90)
      .describe("Days for which a torrent's counts are kept after its last peer has gone."),
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
