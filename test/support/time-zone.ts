/** The time zone of a test file. */
import { after, before } from "node:test";

/** Sets the time zone while the tests of the calling file run. @param zone as in the IANA database. */
export function useTimeZone(zone: string): void {
  const earlier = process.env.TZ;
  before(() => {
    process.env.TZ = zone;
  });
  after(() => {
    if (earlier === undefined) delete process.env.TZ;
    else process.env.TZ = earlier;
  });
}
