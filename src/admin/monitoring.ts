/**
 * What a monitoring system may see: figures, but no addresses of clients, peers, networks, neighbors and servers, and no
 * torrents. It has a token of its own (`admin.monitoring_token_file`).
 */
import { isIP } from "node:net";
import type { Status } from "./status.ts";

/** What stands in the place of an address. */
const HIDDEN = "(address)";

/** What may be an address, perhaps in brackets or with a port. */
const CANDIDATE = /[[0-9a-f:.\]]*[:.][[0-9a-f:.\]]+/gi;

/** An address in a candidate: all of it, without the end of a sentence, in brackets, or before a port. */
const FORMS = [/^(.+)$/, /^(.+)[.:]$/, /^\[(.+)\][.:]?$/, /^\[(.+)\]:\d+[.:]?$/, /^([\d.]+):\d+[.:]?$/];

/** Hides every IP address in a text. */
export function hideAddresses(text: string): string {
  return text.replace(CANDIDATE, (candidate) =>
    FORMS.some((form) => isIP(form.exec(candidate)?.[1] ?? "") !== 0) ? HIDDEN : candidate,
  );
}

/** The status without addresses. */
export function hideInStatus(status: Status): Status {
  const { neighbors, alerts, database, cluster } = status;
  const shown: Status = {
    ...status,
    access: "monitoring",
    announceUrls: [],
    neighbors: neighbors.map((neighbor) => ({ ...neighbor, url: "" })),
    alerts: alerts.map((channel) => ({ ...channel, target: "" })),
    cluster: cluster === null ? null : { ...cluster, server: null },
    database: { ...database, url: database.url.replace(/:.*/s, ":") },
  };
  // Names and reasons are free text, and may have addresses as well.
  return JSON.parse(JSON.stringify(shown), (_, value: unknown) =>
    typeof value === "string" ? hideAddresses(value) : value,
  );
}
