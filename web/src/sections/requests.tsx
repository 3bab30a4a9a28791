/** What clients ask for. */
import { Chart } from "../chart.tsx";
import { kindColor, patchClass } from "../colors.ts";
import { scaled, whole } from "../format.ts";
import type { SectionProps, Status } from "../live.ts";
import { Table } from "../table.tsx";

const KINDS = [
  ["http", "announce"],
  ["udp", "announce"],
  ["udp", "connect"],
  ["http", "scrape"],
  ["udp", "scrape"],
] as const;

/** Requests by kind. */
export function Requests({ live, status }: SectionProps) {
  const sum = ({ requests }: Status, [protocol, kind]: (typeof KINDS)[number], what: "count" | "perSecond") =>
    requests
      .filter((request) => request.protocol === protocol && request.kind === kind)
      .reduce((total, request) => total + request[what], 0);
  return (
    <>
      <Chart
        label={`Requests a second by kind, the last ten minutes. Now: ${scaled(status.requestsPerSecond, "/s")}.`}
        times={live.past.map(({ time }) => Date.parse(time) / 1000)}
        layers={KINDS.map((kind, i) => ({
          label: kind.join(" "),
          color: kindColor(i),
          values: live.past.map((then) => sum(then, kind, "perSecond")),
        }))}
        unit="/s"
      />
      <Table
        label="Requests by kind"
        head={["Kind", "Now", "Since the start"]}
        rows={KINDS.map((kind, i) => [
          <>
            <span class={patchClass(kindColor(i))} />
            {kind.join(" ")}
          </>,
          scaled(sum(status, kind, "perSecond"), "/s"),
          <span data-figure={kind.join("-")}>{whole(sum(status, kind, "count"))}</span>,
        ])}
      />
    </>
  );
}
