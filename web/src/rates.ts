/** Rates of what is counted in the points of a history. */
import type { History } from "../../src/admin/history.ts";

type Point = History["points"][number];

/** What is counted in points, as rates per second. A point may be shorter than its step. */
export function rates(points: readonly Point[]): (what: (point: Point) => number) => number[] {
  return (what) => points.map((point) => what(point) / (point.to - point.from));
}
