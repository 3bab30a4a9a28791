/** The savings of a time span that the operator selects. The headline and the section below show the same figures. */

import { useState } from "preact/hooks";
import type { History } from "../../src/admin/history.ts";
import { useAnswer } from "./answer.ts";

/** The time spans. */
export const SPANS = ["hour", "day", "week", "month", "year"] as const;

/** One of {@link SPANS}. */
type Span = (typeof SPANS)[number];

const EVERY_MS = 20_000;

/** The savings of the selected span. */
export interface Savings {
  readonly span: Span;
  readonly select: (span: Span) => void;
  /** Undefined until it is read. */
  readonly history: History | undefined;
  /** Bytes of external traffic avoided, as estimated. Negative if there was more than an ordinary tracker causes. */
  readonly avoided: number;
  /** The avoided share of the external traffic that an ordinary tracker causes; null if there is none. */
  readonly share: number | null;
}

/** Reads the savings of a span, from the last hour at first. */
export function useSavings(): Savings {
  const [span, select] = useState<Span>("hour");
  const history = useAnswer<History>(`history?span=${span}`, EVERY_MS);
  const points = history?.points ?? [];
  const random = points.reduce((sum, point) => sum + point.random, 0);
  const avoided = random - points.reduce((sum, point) => sum + point.outside, 0);
  return { span, select, history, avoided, share: random === 0 ? null : avoided / random };
}
