/** The files that a configuration names: the groups' prefixes, and those that hold secrets. */
import { stat } from "node:fs/promises";
import { isStale } from "../../hash-list/handshake-reader.ts";
import { type Finding, ok, type Subject, warning } from "./finding.ts";

const OTHERS_READ = 0o004;

/** They were read when the configuration was loaded; this is what else can be said of them. */
export async function checkGroups({ loaded: { config, groups } }: Subject): Promise<Finding[]> {
  if (groups.length === 0) {
    return [
      warning(
        "no peer groups: all peers are equally near",
        'name your networks in peer_groups; "btrt init" asks',
      ),
    ];
  }
  return await Promise.all(
    groups.map(async ({ name, prefixes }, i) => {
      const file = config.peer_groups[i].cidr_file;
      const changed =
        file === null ? "" : `; ${file} is of ${(await stat(file)).mtime.toISOString().slice(0, 10)}`;
      const text = `"${name}": ${prefixes.length.toLocaleString("en")} prefixes${changed}`;
      return prefixes.length > 0 ? ok(text) : warning(text, "put its prefixes into cidr_file or cidr_list");
    }),
  );
}

/** Whether everybody on this machine can read what only the tracker should. */
export async function checkSecrets({ loaded: { config } }: Subject): Promise<Finding[]> {
  const named = [config.database.password_file, config.admin.token_file, config.admin.key];
  const files = named.filter((file) => file !== null);
  return await Promise.all(
    files.map(async (file) => {
      const { mode } = await stat(file);
      return (mode & OTHERS_READ) === 0
        ? ok(`${file} is not for everybody`)
        : warning(
            `${file} can be read by everybody here`,
            `chmod 640 ${file}, its group being the tracker's`,
          );
    }),
  );
}

/** Whether a router or DPI box still writes its counts of handshakes. */
export async function checkHandshakes({ loaded: { config } }: Subject): Promise<Finding[]> {
  const { router_counters, dpi_statistics } = config.hashlist;
  const files = [router_counters, dpi_statistics?.file ?? null].filter((file) => file !== null);
  return await Promise.all(
    files.map(async (file) => {
      const written = (await stat(file).catch(() => undefined))?.mtime;
      if (written === undefined)
        return warning(
          `${file} is not there`,
          "have the counts of handshakes written to it, or name another",
        );
      const text = `${file} was last written at ${written.toISOString()}`;
      return isStale(written.getTime()) ? warning(text, "see why nobody writes it any more") : ok(text);
    }),
  );
}
