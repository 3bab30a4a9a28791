/** `cluster`: several trackers with the same swarms. */
import { isIP } from "node:net";
import { z } from "zod";
import { expected, filePath, flag, keys, list, optional } from "../fields.ts";
import { quote } from "../problem.ts";

/** Servers in `cluster.servers`. */
const SERVERS_LIMIT = 64;

/** Port of a nats-server for its clients, unless the URL has another. */
const CLIENT_PORT = 4222;

/** The server beside the tracker. */
const LOCAL_SERVER = `tls://127.0.0.1:${CLIENT_PORT}`;

/** A name that can be part of a NATS subject: without dots, stars, and what another system would change. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

const nameError = expected(
  'a name of at most 32 lower-case letters, digits, "-" and "_", which begins with a letter or digit',
  (input) => (typeof input === "string" ? likelyName(input) : undefined),
);

/** The name of a cluster, site or node. `btrt init` checks its answers with it. */
export const clusterName = z.string({ error: nameError }).regex(NAME, { error: nameError });

const server = z.string({ error: expected(serverForms()) }).transform((value, context): string => {
  const { url, message } = parseServer(value);
  if (url !== undefined) return url;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** Each server must be there once: a second mention does not make a connection safer. */
function distinctServers() {
  return z.superRefine<readonly string[]>((servers, context) => {
    for (const [i, url] of servers.entries()) {
      const first = servers.indexOf(url);
      if (first === i) continue;
      const message = `${quote(url)} is already element [${first}]`;
      context.addIssue({ code: "custom", path: [i], message });
    }
  });
}

/** Without it there is no cluster, and nothing of NATS is loaded. All keys need a restart. */
export const cluster = optional(
  keys({
    node: clusterName.describe(
      "The name of this tracker in the cluster. Each tracker needs a name of its own.",
    ),
    secret_file: filePath.describe(
      "A file with the secret of the cluster in its first line, the same on all nodes. Create it with: openssl rand -hex 32. " +
        "UDP connection ids are derived from it, so that clients can go on with another node.",
    ),
    name: clusterName
      .default("btrt")
      .describe("The name of the cluster. Clusters that share servers need different names."),
    site: clusterName
      .default("main")
      .describe("The name of the site. Nodes of different sites do not share private addresses."),
    servers: list(server, SERVERS_LIMIT, [LOCAL_SERVER])
      .check(distinctServers(), z.minLength(1, { error: "has no server" }))
      .describe(
        "The nats-servers, the one on this machine first. The tracker connects to the first that answers. nats:// is " +
          "without encryption, and only for servers on this machine.",
      ),
    ca_file: optional(filePath).meta({
      description:
        "A file with the CA certificate (PEM) for the servers' certificates. It is not needed for a public CA.",
      examples: ["/etc/btrt/cluster_ca.pem"],
    }),
    credentials: optional(filePath).meta({
      description:
        "A file with this node's NKey seed, or with NATS credentials (.creds). Who has it can add peers to every torrent.",
      examples: ["/etc/btrt/cluster_nkey"],
    }),
    share_private: flag()
      .default(false)
      .describe(
        "true: private addresses (10.0.0.0/8, 100.64.0.0/10, fd00::/8 and similar) are taken from other sites, too. Only " +
          "if all sites are one network.",
      ),
  }),
).meta({
  description:
    "Other trackers with which this one shares its torrents and peers, by nats-servers. See docs/cluster.md.",
  examples: [{ node: "tracker1", secret_file: "/etc/btrt/cluster_secret" }],
});

function serverForms(): string {
  return `a nats-server such as "tls://nats.example.net:${CLIENT_PORT}" or "${LOCAL_SERVER}"`;
}

/** Reads the URL of a server. @returns it with its port, or what is wrong with it. */
function parseServer(text: string): { url?: string; message: string } {
  const wrong = (message: string) => ({ message });
  if (text.includes("@")) return wrong("must not contain a user or password: use credentials");
  const [, scheme, host, port = String(CLIENT_PORT)] =
    /^(tls|nats):\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/.exec(text) ?? [];
  if (host === undefined || host.length > 255) return wrong(`must be ${serverForms()}${likelyServer(text)}`);
  if (host.startsWith("[") && isIP(host.slice(1, -1)) !== 6) return wrong(`${quote(host)} is not an address`);
  if (Number(port) < 1 || Number(port) > 65_535) return wrong("the port must be a number from 1 to 65535");
  const rest = `${host.toLowerCase()}:${Number(port)}`;
  if (scheme === "nats" && !isLoopback(host))
    return wrong(`is another machine, and nats:// is not encrypted; write "tls://${rest}"`);
  return { url: `${scheme}://${rest}`, message: "" };
}

/** A suggestion for a URL with another scheme or none. */
function likelyServer(text: string): string {
  const [, host] = /^(?:\w+:\/\/)?(\[[0-9a-fA-F:.]+\](?::\d+)?|[\w.-]+(?::\d+)?)\/?$/.exec(text) ?? [];
  return host === undefined ? "" : `; write "tls://${host}"`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));
}

/** The first label of a host name, in lower case. */
function likelyName(text: string): string | undefined {
  const name = text
    .toLowerCase()
    .replace(/\..*$/, "")
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+/, "")
    .slice(0, 32);
  return NAME.test(name) && name !== text ? JSON.stringify(name) : undefined;
}
