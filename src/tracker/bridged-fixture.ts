/** What the tests of `bridged` share. */
import { type Announced, type TestSelection, TrackerFixture } from "./tracker-fixture.ts";

/** With so much patience, one complete copy at home is enough for anybody. */
export const PATIENT = 10;

/** A tracker with the policy `bridged`. */
export function bridged(selection: TestSelection = {}): TrackerFixture {
  return new TrackerFixture({ selection: { policy: "bridged", patience: PATIENT, ...selection } });
}

/** Announces, and counts the peers returned by the first octet of IPv4 addresses: 11 home, 12 its region, 13 partner, 99 outside. */
export function ask(
  fixture: TrackerFixture,
  address: string,
  fields: Announced = {},
): Record<string, number> {
  fixture.announce(address, fields);
  const given: Record<string, number> = {};
  for (const { address: peer } of fixture.returned(4)) {
    const net = peer.slice(0, 2);
    given[net] = (given[net] ?? 0) + 1;
  }
  return given;
}

/** Twenty complete copies outside. */
export function outside(fixture: TrackerFixture, left = 0): void {
  for (let i = 1; i <= 20; i++) fixture.announce(`99.0.0.${i}`, { left, numWant: 0 });
}
