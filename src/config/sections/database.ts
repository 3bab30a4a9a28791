/** `database`: what survives a restart, and where it is stored. */
import { isIP } from "node:net";
import { DATABASE_KINDS } from "../../storage/databases.ts";
import { isInstalled } from "../config-file.ts";
import { filePath, flag, integer, optional, rule, section, text } from "../fields.ts";

const FORMS = DATABASE_KINDS.flatMap(({ urlForms }) => urlForms.map((form) => `"${form}"`));

const url = text().superRefine((value, context) => {
  if (DATABASE_KINDS.some(({ urlPattern }) => urlPattern.test(value))) return;
  const likely = likelyUrl(value);
  const advice = likely === undefined ? "" : `; write ${likely}`;
  const message = `must be ${FORMS.slice(0, -1).join(", ")} or ${FORMS.at(-1)}${advice}`;
  context.addIssue({ code: "custom", message });
});

/** What a URL in another form should be. It never repeats a password. */
function likelyUrl(value: string): string | undefined {
  const [, user, host, schema] =
    /^(?:tcp|mysql|mariadb):\/\/(?:([^/]*)@)?([^/@\s]+)(?:\/([^/?]*).*)?$/.exec(value) ?? [];
  if (host === undefined) {
    if (/^[\w.-]+:\d{1,5}$/.test(value)) return `"tcp://${value}"`;
    return /^\.{0,2}\//.test(value) ? `"sqlite:${value}"` : undefined;
  }
  const keys = [...(user ? ["user", "password"] : []), ...(schema ? ["schema"] : [])];
  const last = keys.pop();
  const names = keys.length === 0 ? last : `${keys.join(", ")} and ${last}`;
  const rest = last === undefined ? "" : `, and set ${names} in database`;
  const server = `tcp://${host}`;
  return DATABASE_KINDS.some(({ urlPattern }) => urlPattern.test(server)) ? `"${server}"${rest}` : undefined;
}

/** The server of the original BTRT: for a configuration with keys of a server, but without a url. */
const ORIGINAL_SERVER = "tcp://127.0.0.1:3306";

/** An embedded database without a path. Loading puts it where {@link defaultDatabase} says. */
export const UNPLACED_DATABASE = "sqlite:";

/** Where the embedded database is if the configuration does not say so. */
export function defaultDatabase(configFile: string): string {
  return isInstalled(configFile) ? "sqlite:/var/lib/btrt/btrt.db" : "sqlite:var/btrt.db";
}

/** The keys of the original BTRT, and our own. The password of a server is text, in a file, or in the environment. */
export const database = section(
  {
    url: optional(url).meta({
      description:
        `${DATABASE_KINDS.map(({ description }) => description).join("; ")}. Without it, the database is the file ` +
        "/var/lib/btrt/btrt.db if the configuration is /etc/btrt/btrt.conf, and otherwise var/btrt.db beside the " +
        `configuration. But if user, password, password_file or schema is set, it is "${ORIGINAL_SERVER}".`,
      examples: [ORIGINAL_SERVER],
    }),
    user: optional(text()).meta({
      description: "The user name on the database server. Without it: root.",
      examples: ["btrt"],
    }),
    password: optional(text()).meta({
      description: "The user's password.",
      examples: ["password_for_btrt_user"],
    }),
    password_file: optional(filePath).meta({
      description:
        "A file with the password. It takes precedence over password. BTRT_DATABASE_PASSWORD in the environment takes precedence over both.",
      examples: ["/etc/btrt/database_password"],
    }),
    schema: optional(text()).meta({
      description: "The schema on the database server. Without it: btrt.",
      examples: ["btrt"],
    }),
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
  rule(["tls", "url"], (keys) =>
    keys.tls && isIP(hostOf(urlOf(keys))) !== 0
      ? "needs the server's name in url, not its address: its certificate is checked for the name"
      : undefined,
  ),
).transform((keys) => ({
  ...keys,
  url: urlOf(keys),
  user: keys.user ?? "root",
  schema: keys.schema ?? "btrt",
}));

interface ServerKeys {
  readonly url: string | null;
  readonly user: string | null;
  readonly password: string | null;
  readonly password_file: string | null;
  readonly schema: string | null;
}

/** The URL, or what its absence means. */
function urlOf({ url, user, password, password_file, schema }: ServerKeys): string {
  const isServer = [user, password, password_file, schema].some((value) => value !== null);
  return url ?? (isServer ? ORIGINAL_SERVER : UNPLACED_DATABASE);
}

/** The host of a server's URL, without the brackets of an IPv6 address. */
function hostOf(url: string): string {
  return /^\w+:\/\/\[?([^/\]]*?)\]?(:\d+)?(\/.*)?$/.exec(url)?.[1] ?? "";
}
