/** External trackers in whose place this one answers. */
import { whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** What was forwarded, what was saved, and how each tracker does. */
export function ExternalTrackers({ status: { forwarding } }: SectionProps) {
  if (forwarding === null) return <p>Nobody forwards announces here (forwarded_announce).</p>;
  const { announces, unasked, joined, asked, failed, running, queued, given, near } = forwarding;
  return (
    <>
      <dl class="facts">
        <dt>Announces forwarded</dt>
        <dd>
          {whole(announces)}; for {whole(unasked + joined)} of them no external tracker was asked
        </dd>
        <dt>Asked</dt>
        <dd>
          {whole(asked)}, of which {whole(failed)} failed; {whole(running)} on their way, {whole(queued)}{" "}
          waiting
        </dd>
        <dt>Near peers in the place of external ones</dt>
        <dd>
          {whole(near)} of {whole(given)} given
        </dd>
      </dl>
      <Table
        label="External trackers that are asked most"
        head={["Tracker", "Asked", "Failed", "Not sent", "State", "Last failure"]}
        rows={forwarding.trackers.map(({ name, asked, failed, leftAlone, dropped, state, lastFailure }) => [
          name,
          whole(asked),
          whole(failed),
          whole(leftAlone + dropped),
          state,
          lastFailure ?? "–",
        ])}
      />
    </>
  );
}
