/** External traffic avoided over time, from the database's totals. */
import type { History } from "../../../src/admin/history.ts";
import { Bars } from "../bars.tsx";
import { Chart, type TimeSpan } from "../chart.tsx";
import { patchClass } from "../colors.ts";
import { percent, scaled, whole } from "../format.ts";
import type { SectionProps, Status } from "../live.ts";
import { rates } from "../rates.ts";
import { type Savings as Figures, SPANS } from "../savings.ts";
import { UNCOUNTED_TRAFFIC } from "./refusals.tsx";

/** Months that can be chosen for a report. */
const MONTHS = 24;

/** External traffic, compared with that of an ordinary tracker. */
export function Savings({ status, savings }: SectionProps) {
  const { downloaded, uploaded } = status.locality.reported;
  const uncounted = status.limits.find(({ limit }) => limit === UNCOUNTED_TRAFFIC)?.count ?? 0;
  return (
    <>
      <SpanChoice {...savings} />
      {savings.history === undefined || savings.history.points.length === 0 ? (
        <p>No data of the last {savings.span} has been saved yet.</p>
      ) : (
        <Charts {...savings} history={savings.history} />
      )}
      <ReportForm now={status.time} />
      {status.patience !== null && <Patience {...status.patience} />}
      <p class="quiet">
        An estimate. Clients in peer groups have reported {scaled(downloaded + uploaded, "B")} received and
        sent since the start. The share of outside peers in their replies is counted as external. An ordinary
        tracker returns peers at random: its share of outside peers is that among all peers of the torrent.
        Traffic with peers that clients know from other sources is not included.
        {uncounted > 0 &&
          ` Nor is the traffic of ${whole(uncounted)} announces, for which there was no memory.`}
      </p>
    </>
  );
}

/** How much longer downloads take because outside peers are limited. */
function Patience({ wanted, measured, control }: NonNullable<Status["patience"]>) {
  return (
    <p>
      Limited downloads may take {wanted} times as long as with all peers (<code>selection.patience</code>).{" "}
      {measured === null
        ? `Not measured yet: ${whole(control)} downloads to compare with so far.`
        : `Measured: ${measured.toFixed(2)} times as long as those of a control group.`}
    </p>
  );
}

function SpanChoice({ span, select }: Figures) {
  return (
    <fieldset>
      <legend>The last</legend>
      {SPANS.map((each) => (
        <label key={each}>
          <input type="radio" name="span" checked={each === span} onChange={() => select(each)} />
          {each}
        </label>
      ))}
    </fieldset>
  );
}

/** Opens the report of a month. @param now a time in ISO 8601. */
function ReportForm({ now }: { now: string }) {
  return (
    <form action="/api/v1/report" target="_blank" rel="noopener">
      <label>
        Report of the month
        <select name="month">
          {lastMonths(now).map((month) => (
            <option key={month}>{month}</option>
          ))}
        </select>
      </label>
      <button type="submit" name="format" value="html">
        Open the report
      </button>
      <button type="submit" name="format" value="csv">
        CSV
      </button>
    </form>
  );
}

/** The months up to now, in UTC, the newest first. */
function lastMonths(now: string): string[] {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return Array.from({ length: MONTHS }, (_, i) =>
    new Date(Date.UTC(year, month - i)).toISOString().slice(0, 7),
  );
}

type Point = History["points"][number];

function Charts({ span, share, avoided, history }: Figures & { readonly history: History }) {
  const { points, until } = history;
  const total = (what: (point: Point) => number) => points.reduce((all, point) => all + what(point), 0);
  const handshakes = total((point) => point.handshakesSeen);
  const spans: readonly TimeSpan[] = points;
  const perSecond = rates(points);
  return (
    <div class="savings">
      <p data-figure="avoided-sentence">{sentence(span, avoided, share)}</p>
      <Bars
        label={`External traffic of the last ${span}`}
        unit="B"
        bars={[
          { label: "with an ordinary tracker", value: total(({ random }) => random), color: "--quiet" },
          { label: "with BTRT", value: total(({ outside }) => outside), color: "--outside" },
        ]}
      />
      <p>
        External traffic, in and out: <Legend color="--near-0" name="avoided" />{" "}
        <Legend color="--outside" name="not avoided" />
      </p>
      <Chart
        label={`External traffic of the last ${span}: ${percent(share)} avoided.`}
        times={spans}
        until={until}
        layers={[
          {
            label: "not avoided",
            color: "--outside",
            values: perSecond(({ outside }) => 8 * outside),
          },
          {
            label: "avoided",
            color: "--near-0",
            values: perSecond(({ random, outside }) => 8 * Math.max(0, random - outside)),
          },
        ]}
        unit="bit/s"
      />
      <ReturnedChart span={span} history={history} />
      {handshakes > 0 && (
        <p>
          {whole(total((point) => point.handshakesRefused))} of {whole(handshakes)} BitTorrent handshakes with
          the outside were refused.
        </p>
      )}
    </div>
  );
}

function ReturnedChart({ span, history: { points, until } }: { span: string; history: History }) {
  const near = points.reduce((sum, { returnedNear }) => sum + returnedNear, 0);
  const returned = points.reduce((sum, { returnedOutside }) => sum + returnedOutside, near);
  const spans: readonly TimeSpan[] = points;
  const perSecond = rates(points);
  return (
    <>
      <p>
        {percent(returned === 0 ? null : near / returned)} of the peers returned to all clients were in peer
        groups: <Legend color="--near-0" name="in peer groups" /> <Legend color="--outside" name="outside" />
      </p>
      <Chart
        label={`Peers returned in the last ${span}, in peer groups and outside.`}
        times={spans}
        until={until}
        layers={[
          {
            label: "in peer groups",
            color: "--near-0",
            values: perSecond(({ returnedNear }) => returnedNear),
          },
          {
            label: "outside",
            color: "--outside",
            values: perSecond(({ returnedOutside }) => returnedOutside),
          },
        ]}
        unit="/s"
      />
    </>
  );
}

/** The savings in words. The share is the headline's. */
function sentence(span: string, avoided: number, share: number | null) {
  if (share === null) return `Clients in peer groups reported no external traffic in the last ${span}.`;
  const amount = <strong>{scaled(Math.abs(avoided), "B")}</strong>;
  if (avoided < 0)
    return (
      <>
        {amount} more external traffic in the last {span} than with an ordinary tracker ({percent(share)}).
      </>
    );
  return (
    <>
      {amount} of external traffic avoided in the last {span}: {percent(share)} of that with an ordinary
      tracker.
    </>
  );
}

function Legend({ color, name }: { color: string; name: string }) {
  return (
    <span class="legend">
      <span class={patchClass(color)} />
      {name}
    </span>
  );
}
