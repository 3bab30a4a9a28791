/** Checks the files that a configuration names: peer groups, secrets and handshake counts. */
import { stat } from "node:fs/promises";
import { formatKeyPath } from "../../config/problem.ts";
import { isStale } from "../../hash-list/handshake-reader.ts";
import { countText } from "../../model/count-text.ts";
import { hasServiceRights } from "../service-user.ts";
import { findHiddenFiles, findUnwritablePlaces } from "../written-places.ts";
import { type Finding, ok, problem, type Subject, unknown, warning } from "./finding.ts";

const OTHERS_READ = 0o004;

/** Reports the number of prefixes and the date of their file, for each group. */
export async function checkGroups({ loaded: { config, groups } }: Subject): Promise<Finding[]> {
  if (groups.length === 0) {
    return [
      warning(
        "no peer groups: all peers are equally near",
        'list your networks in peer_groups; "btrt init" helps',
      ),
    ];
  }
  return await Promise.all(
    groups.map(async ({ name, prefixes }, i) => {
      const file = config.peer_groups[i].cidr_file;
      const changed =
        file === null ? "" : `; ${file} is of ${(await stat(file)).mtime.toISOString().slice(0, 10)}`;
      const text = `"${name}": ${countText(prefixes.length, "prefix")}${changed}`;
      return prefixes.length > 0 ? ok(text) : warning(text, "put its prefixes into cidr_file or cidr_list");
    }),
  );
}

/** Checks that the tracker can write its files. */
export async function checkPlaces({ configFile, loaded, sandbox }: Subject): Promise<Finding[]> {
  if (!hasServiceRights(configFile)) return [unknown("only root can check the files of the service")];
  const found = [...findHiddenFiles(loaded, sandbox), ...findUnwritablePlaces(loaded, sandbox)];
  if (found.length === 0) return [ok("the tracker can read and write its files")];
  return found.map(({ path, text, remedy }) =>
    problem(path === undefined ? text : `${formatKeyPath(path)}: ${text}`, remedy),
  );
}

/** Checks that files with secrets are not world-readable. */
export async function checkSecrets({ loaded: { config } }: Subject): Promise<Finding[]> {
  const named = [
    config.database.password_file,
    config.admin.token_file,
    config.admin.monitoring_token_file,
    config.admin.key,
    config.alerts.mail.password_file,
    config.cluster?.secret_file ?? null,
    config.cluster?.credentials ?? null,
  ];
  const files = named.filter((file) => file !== null);
  return await Promise.all(
    files.map(async (file) => {
      const { mode } = await stat(file);
      return (mode & OTHERS_READ) === 0
        ? ok(`${file} is not world-readable`)
        : warning(`${file} is world-readable`, `chmod 640 ${file}, with the tracker's group`);
    }),
  );
}

/** Checks that a router or DPI box still writes its handshake counts. */
export async function checkHandshakes({ loaded: { config } }: Subject): Promise<Finding[]> {
  const { router_counters, dpi_statistics } = config.hashlist;
  const files = [router_counters, dpi_statistics?.file ?? null].filter((file) => file !== null);
  return await Promise.all(
    files.map(async (file) => {
      const written = (await stat(file).catch(() => undefined))?.mtime;
      if (written === undefined)
        return warning(
          `${file} does not exist`,
          "let the router or DPI box write its handshake counts there, or correct the path",
        );
      const text = `${file} was last written at ${written.toISOString()}`;
      return isStale(written.getTime()) ? warning(text, "find out why it is not written any more") : ok(text);
    }),
  );
}
