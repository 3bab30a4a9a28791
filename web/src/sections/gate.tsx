/** The gate: what routers refuse so that clients get their data inside, and the routers that do so. */
import type { History } from "../../../src/admin/history.ts";
import { Chart } from "../chart.tsx";
import { kindColor, patchClass } from "../colors.ts";
import { duration, percent, whole } from "../format.ts";
import type { SectionProps, Status } from "../live.ts";
import { rates } from "../rates.ts";
import { Table } from "../table.tsx";

type Reading = NonNullable<Status["gate"]>;

/** What is refused, by why. */
const REASONS = {
  handshake: "BitTorrent handshakes",
  endpoint: "connections with closed clients",
  far: "connections to peers outside that only have gated torrents",
} as const;
const DIRECTIONS = { out: "outgoing", in: "incoming" } as const;

/** The section of the gate, in each of its states. */
export function Gate({ status, savings }: SectionProps) {
  const { gate } = status;
  if (gate === null)
    return (
      <p>
        It is off (<code>gate.enabled</code>): routers refuse nothing for <code>selection.policy</code>.
      </p>
    );
  const now = Date.parse(status.time);
  return (
    <>
      <p class={hasProblem(gate) ? "problem" : ""} data-figure="gate-state">
        {describeState(gate)}
      </p>
      <dl class="facts">
        <dt>Gated torrents</dt>
        <dd>
          <span data-figure="gate-torrents">{whole(gate.torrents)}</span>, counted once for each home;{" "}
          {whole(gate.leftOut)} are beyond the limits, {whole(gate.excluded)} excluded
        </dd>
        <dt>Closed clients</dt>
        <dd>
          <span data-figure="gate-closed">{whole(gate.closed)}</span>, of {whole(gate.hosts)} subscribers'
          addresses
        </dd>
        <dt>Opened again</dt>
        <dd>
          {whole(gate.failed)} torrents, as their home lost its source; {whole(gate.rescued)} times a client,
          as it got no data
        </dd>
        <dt>Exempted by routers</dt>
        <dd>{whole(gate.exempted)} times a subscriber, whose client insists on encryption</dd>
      </dl>
      {gate.routers.length > 0 && <Routers gate={gate} now={now} />}
      {gate.routers.length > 0 && <Connections gate={gate} />}
      {savings.history !== undefined && <Refused span={savings.span} history={savings.history} />}
    </>
  );
}

function hasProblem({ routers, closed }: Reading): boolean {
  return routers.length === 0 ? closed > 0 : routers.some(({ isStale }) => isStale);
}

/** What holds for the connections of subscribers now. */
function describeState({ routers }: Reading): string {
  if (routers.length === 0) return "No router follows the gate: nothing is refused.";
  const lost = routers.filter(({ isStale }) => isStale).length;
  const counting = routers.filter(({ isStale, countOnly }) => !isStale && countOnly).length;
  const refusing = routers.length - lost - counting;
  const parts = [
    ...(refusing > 0 ? [`${routerCount(refusing)} refuse${refusing === 1 ? "s" : ""} connections`] : []),
    ...(counting > 0 ? [`${routerCount(counting)} only count${counting === 1 ? "s" : ""} them`] : []),
    ...(lost > 0 ? [`${routerCount(lost)} no longer report${lost === 1 ? "s" : ""}`] : []),
  ];
  return `${parts.join(", ")}.`;
}

function routerCount(count: number): string {
  return count === 1 ? "1 router" : `${whole(count)} routers`;
}

function Routers({ gate, now }: { gate: Reading; now: number }) {
  return (
    <Table
      label="Routers of the gate"
      head={["Router", "State", "Last report", "Version of its lists"]}
      rows={gate.routers.map(({ router, countOnly, isStale, reportedAt, version }) => [
        <span class="wrap">{router}</span>,
        <span class={isStale ? "problem" : ""}>
          {isStale ? "no longer reports" : countOnly ? "only counts" : "refuses"}
        </span>,
        `${duration(Math.max(0, (now - Date.parse(reportedAt)) / 1000))} ago`,
        `${whole(version)} of ${whole(gate.version)}`,
      ])}
    />
  );
}

/** Connections by why and direction, since the routers' programs have started. */
function Connections({ gate }: { gate: Reading }) {
  const isCounting = gate.routers.some(({ countOnly }) => countOnly);
  return (
    <Table
      label="Connections that the gate's rules have seen and refused"
      head={["Since the routers' start", "Seen", "Refused", "Share", ...(isCounting ? ["Only counted"] : [])]}
      rows={gate.refusals.map(({ reason, direction, seen, refused, onlyCounted }) => [
        <span class="wrap">
          {REASONS[reason]}, {DIRECTIONS[direction]}
        </span>,
        whole(seen),
        <span data-figure={`gate-refused-${reason}-${direction}`}>{whole(refused)}</span>,
        percent(seen === 0 ? null : refused / seen),
        ...(isCounting ? [whole(onlyCounted)] : []),
      ])}
    />
  );
}

/** What was refused over the span that the operator has selected. */
function Refused({ span, history: { points, until } }: { span: string; history: History }) {
  const perSecond = rates(points);
  const ofReason = (reason: string) =>
    perSecond(({ gate }) =>
      (gate?.connections ?? [])
        .filter((each) => each.reason === reason)
        .reduce((sum, { refused }) => sum + refused, 0),
    );
  const sum = (what: "refused" | "onlyCounted") =>
    points.reduce((total, { gate }) => total + (gate?.[what] ?? 0), 0);
  if (sum("refused") + sum("onlyCounted") === 0) return <p>Nothing was refused in the last {span}.</p>;
  const layers = [
    { label: "handshakes", color: kindColor(0), values: ofReason("handshake") },
    { label: "closed clients", color: kindColor(1), values: ofReason("endpoint") },
    { label: "peers outside", color: kindColor(3), values: ofReason("far") },
    { label: "only counted", color: kindColor(2), values: perSecond(({ gate }) => gate?.onlyCounted ?? 0) },
  ].filter(({ values }) => values.some((value) => value > 0));
  return (
    <>
      <p>
        <span data-figure="gate-refused-history">{whole(sum("refused"))}</span> connections refused in the
        last {span}:{" "}
        {layers.map(({ label, color }) => (
          <span key={label} class="legend">
            <span class={patchClass(color)} />
            {label}
          </span>
        ))}
      </p>
      <Chart
        label={`Connections refused per second in the last ${span}, by why.`}
        times={points}
        until={until}
        layers={layers}
        unit="/s"
      />
    </>
  );
}
