/**
 * The user as which the installed service runs. Commands of root read and write files with the rights of this user, so
 * that a check finds what the service would find, and a new file is one that the service can write.
 */
import { spawnSync } from "node:child_process";
import { userInfo } from "node:os";
import { isInstalled, SERVICE_USER } from "../config/config-file.ts";

const ROOT = 0;

/**
 * Does work with the rights of the service's user if this is root and the configuration is the installed one. Otherwise,
 * and where there is no such user, with the rights of this process. Nothing else may run meanwhile: the rights are those
 * of the whole process.
 */
export async function asServiceUser<T>(configFile: string, work: () => Promise<T>): Promise<T> {
  const restore = isInstalled(configFile) ? takeRights() : undefined;
  try {
    return await work();
  } finally {
    restore?.();
  }
}

/** Whether {@link asServiceUser} has the rights with which the tracker would run, as far as that can be known. */
export function hasServiceRights(configFile: string): boolean {
  return !isInstalled(configFile) || isRoot() || userInfo().username === SERVICE_USER;
}

/** Takes the rights of the service's user. @returns what gives them back; undefined if that is not possible. */
function takeRights(): (() => void) | undefined {
  const groups = isRoot() ? groupsOf(SERVICE_USER) : undefined;
  if (groups === undefined) return undefined;
  const before = process.getgroups?.() ?? [];
  const group = process.getegid?.() ?? ROOT;
  process.setgroups?.(groups);
  process.setegid?.(SERVICE_USER);
  process.seteuid?.(SERVICE_USER);
  return () => {
    process.seteuid?.(ROOT);
    process.setegid?.(group);
    process.setgroups?.(before);
  };
}

function isRoot(): boolean {
  return process.geteuid?.() === ROOT;
}

/** The numbers of a user's groups; undefined if there is no such user. */
function groupsOf(user: string): number[] | undefined {
  const { status, stdout } = spawnSync("id", ["-G", user], { encoding: "utf8" });
  return status === 0 ? stdout.trim().split(" ").map(Number) : undefined;
}
