/** Bar charts, and bars of the parts of a whole. */
import { scaled } from "./format.ts";

/** A labelled amount. */
interface Bar {
  readonly label: string;
  readonly value: number;
  /** A custom property of page.css. */
  readonly color: string;
}

/** Amounts as bars, scaled to the longest. */
export function Bars({ label, unit, bars }: { label: string; unit: string; bars: readonly Bar[] }) {
  const most = Math.max(...bars.map(({ value }) => value));
  return (
    <dl class="bars" aria-label={label}>
      {bars.map(({ label: name, value, color }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <span
              class="bar"
              style={{ width: `${most > 0 ? (60 * value) / most : 0}%`, background: `var(${color})` }}
            />{" "}
            {scaled(value, unit)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The parts of a whole, side by side. Hidden from screen readers, so the numbers must be shown as text as well. */
export function Mix({ parts }: { parts: readonly { readonly value: number; readonly color: string }[] }) {
  return (
    <span class="mix" aria-hidden="true">
      {parts.map(({ value, color }) => (
        <span key={color} style={{ flexGrow: value, background: `var(${color})` }} />
      ))}
    </span>
  );
}
