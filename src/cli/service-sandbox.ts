/** What the unit of the service hides from the tracker, whatever the rights of its user are; see systemd.exec(5). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { isInstalled } from "../config/config-file.ts";

const UNIT = "btrt.service";

/** Directories that are written, and that are hidden. Without a sandbox `writable` is undefined: all of them. */
export interface Sandbox {
  readonly writable: readonly string[] | undefined;
  readonly hidden: readonly string[];
}

const NONE: Sandbox = { writable: undefined, hidden: [] };

const PROPERTIES = [
  "ProtectSystem",
  "ProtectHome",
  "PrivateTmp",
  "ReadWritePaths",
  "StateDirectory",
  "LogsDirectory",
  "RuntimeDirectory",
];

/** Asks systemd for the sandbox of the service. There is none for another configuration, or without systemd. */
export async function readSandbox(configFile: string): Promise<Sandbox> {
  if (!isInstalled(configFile)) return NONE;
  const show = ["show", UNIT, ...PROPERTIES.map((name) => `--property=${name}`)];
  const { stdout } = await promisify(execFile)("systemctl", show).catch(() => ({ stdout: "" }));
  return parseSandbox(stdout);
}

/** Parses lines such as `ProtectSystem=strict`. */
export function parseSandbox(text: string): Sandbox {
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  const words = (name: string, parent = "") =>
    of(name)
      .split(" ")
      .filter((word) => word !== "")
      .map((word) => parent + word.replace(/^[-+]+/, ""));
  const writable = [
    ...words("ReadWritePaths"),
    ...words("StateDirectory", "/var/lib/"),
    ...words("LogsDirectory", "/var/log/"),
    ...words("RuntimeDirectory", "/run/"),
    ...(of("PrivateTmp") === "yes" ? ["/tmp", "/var/tmp"] : []),
  ];
  return {
    writable: of("ProtectSystem") === "strict" ? writable : undefined,
    hidden: of("ProtectHome") === "yes" ? ["/home", "/root", "/run/user"] : [],
  };
}

/** Why the service cannot use a file or directory, and the remedy; undefined if the sandbox allows it. */
export function whyHidden(
  { writable, hidden }: Sandbox,
  path: string,
): { text: string; remedy: string } | undefined {
  const isIn = (parent: string) => path === parent || path.startsWith(`${parent}/`);
  if (hidden.some(isIn))
    return {
      text: `the service cannot see ${path}: its unit has ProtectHome=yes`,
      remedy: `use a place outside of ${hidden.join(", ")}`,
    };
  if (writable === undefined || writable.some(isIn)) return undefined;
  return {
    text: `the service may not write in ${path}: its unit has ProtectSystem=strict`,
    remedy: `use a directory in /var/lib/btrt, or add the lines [Service] and ReadWritePaths=${path} with "systemctl edit btrt.service"`,
  };
}
