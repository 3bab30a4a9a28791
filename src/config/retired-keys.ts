/**
 * Retired keys: renamed or removed. For one major version a configuration with such a key is still valid, and a warning
 * says what has changed. After that it is an unknown key.
 */
import { type ConfigDocument, valueAt } from "./document.ts";
import type { Problem } from "./problem.ts";

/** A retired key. */
export interface RetiredKey {
  /** The dotted key of a section or value outside of lists. */
  readonly key: string;
  /** The key that replaces it; undefined if none does. */
  readonly nowCalled?: string;
  /** The old unit, if the replacement takes seconds. */
  readonly unit?: "milliseconds";
  /** The major version from which it is unknown. */
  readonly until: number;
}

/** A key that is renamed or removed gets a line here, and one in the changelog. */
export const RETIRED_KEYS: readonly RetiredKey[] = [
  // Constants now, with their reasons: BRIDGED_LIMITS in selection/home-census.ts.
  { key: "selection.enough", until: 1 },
  { key: "selection.bridges", until: 1 },
  { key: "selection.home_seeds_enough", until: 1 },
  { key: "neighbors_wait", nowCalled: "tracker.neighbors_wait", unit: "milliseconds", until: 1 },
];

/**
 * Moves the values of retired keys to their replacements, unless these are set.
 * @param document is changed.
 * @returns a warning for each retired key that is set.
 */
export function moveRetiredKeys(
  document: ConfigDocument,
  file: string,
  retired: readonly RetiredKey[] = RETIRED_KEYS,
): Problem[] {
  return retired.flatMap(({ key, nowCalled, unit }) => {
    const path = key.split(".");
    const value = take(document.value, path);
    if (value === undefined) return [];
    const newPath = nowCalled?.split(".") ?? [];
    const isSet = valueAt(document.value, newPath) !== undefined;
    if (nowCalled !== undefined && !isSet) put(document.value, newPath, inSeconds(value, unit));
    const name = `is called ${nowCalled} now${unit === undefined ? "" : ", in seconds"}`;
    const message =
      nowCalled === undefined ? "does nothing any more" : isSet ? `${name}, which is set, too` : name;
    return [{ file, ...document.keyPosition(path), key, message }];
  });
}

/** The value in seconds. Anything but a number stays as it is, and is a mistake at its new key. */
function inSeconds(value: unknown, unit: RetiredKey["unit"]): unknown {
  return unit === "milliseconds" && typeof value === "number" ? value / 1000 : value;
}

/** Removes the part at a path, if it exists. @returns the part. */
function take(value: unknown, path: readonly string[]): unknown {
  const parent = valueAt(value, path.slice(0, -1));
  const part = valueAt(value, path);
  if (isSection(parent)) delete parent[path[path.length - 1]];
  return part;
}

/** Sets the part at a path, and creates its sections. */
function put(value: unknown, path: readonly string[], part: unknown): void {
  let section = value;
  for (const key of path.slice(0, -1)) {
    if (!isSection(section)) return;
    section[key] ??= {};
    section = section[key];
  }
  if (isSection(section)) section[path[path.length - 1]] = part;
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
