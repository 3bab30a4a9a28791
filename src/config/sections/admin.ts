/** `admin`: the status page, JSON and metrics. */
import { isIP } from "node:net";
import { formatHostPort } from "../../model/address-text.ts";
import { filePath, listenAddress, optional, rule, section } from "../fields.ts";

/** A listener that other machines can reach needs a token. A certificate needs its key. */
export const admin = section(
  {
    listen: listenAddress
      .prefault("127.0.0.1:6970")
      .describe("The address of the admin listener, for the status page, JSON and metrics."),
    token_file: optional(filePath).meta({
      description:
        "A file with the token that requests must have, 16 characters or more. It is required if other machines can reach the listener. Changes of this file, and of cert and key, are read automatically.",
      examples: ["/etc/btrt/admin_token"],
    }),
    monitoring_token_file: optional(filePath).meta({
      description:
        "A file with a second token, for monitoring systems and screens. It opens figures, metrics and the report, without addresses and torrents.",
      examples: ["/etc/btrt/monitoring_token"],
    }),
    cert: optional(filePath).meta({
      description: "The TLS certificate (PEM).",
      examples: ["/etc/btrt/admin.crt"],
    }),
    key: optional(filePath).meta({
      description: "The certificate's key (PEM).",
      examples: ["/etc/btrt/admin.key"],
    }),
  },
  rule(["token_file", "listen"], ({ token_file, listen }) =>
    token_file === null && !isLoopback(listen.host)
      ? `is missing: other machines can reach ${formatHostPort(listen)}; name a file with a token, or listen at ` +
        `127.0.0.1:${listen.port}`
      : undefined,
  ),
  rule(["monitoring_token_file", "token_file"], ({ monitoring_token_file, token_file }) =>
    monitoring_token_file !== null && token_file === null
      ? "needs token_file: without it, everybody who can connect sees everything"
      : undefined,
  ),
  rule(["cert", "key"], ({ cert, key }) =>
    (cert === null) === (key === null)
      ? undefined
      : "needs admin.key, and admin.key needs admin.cert: set both or neither",
  ),
);

/** @param host an IP address. */
function isLoopback(host: string): boolean {
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
