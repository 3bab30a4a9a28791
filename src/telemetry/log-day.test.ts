import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { useTimeZone } from "../../test/support/time-zone.ts";
import { daysBefore, logDay } from "./log-day.ts";

useTimeZone("Europe/Berlin");

const at = (text: string) => new Date(text);

test("a day begins at its switch time and is named by the date on which most of it falls", () => {
  assert.equal(logDay(at("2026-05-10T00:59:59"), "01:00:00").date, "2026-05-09");
  assert.equal(logDay(at("2026-05-10T01:00:00"), "01:00:00").date, "2026-05-10");
  assert.equal(logDay(at("2026-05-10T23:59:59"), "00:00:00").date, "2026-05-10");
  assert.equal(logDay(at("2026-05-10T23:29:59"), "23:30:00").date, "2026-05-10");
  assert.equal(logDay(at("2026-05-10T23:30:00"), "23:30:00").date, "2026-05-11");
  assert.equal(logDay(at("2026-12-31T23:59:59.999"), "23:59:59").date, "2027-01-01");
  assert.equal(logDay(at("2026-05-10T12:34:56"), "12:34:56").start, at("2026-05-10T12:34:56").getTime());
});

test("daylight saving: a switch time that occurs twice or never begins one day", () => {
  const spring = logDay(at("2026-03-29T12:00:00"), "02:30:00");
  assert.equal(spring.start, at("2026-03-29T01:30:00Z").getTime());
  assert.equal(spring.end - spring.start, 23 * 3600_000);
  const autumn = logDay(at("2026-10-25T01:15:00Z"), "02:30:00"); // 02:15, the second time
  assert.equal(autumn.date, "2026-10-25");
  assert.equal(autumn.start, at("2026-10-25T00:30:00Z").getTime());
  assert.equal(autumn.end - autumn.start, 25 * 3600_000);
});

test("days follow each other without gap or overlap, each with the next date", () => {
  const times = fc
    .tuple(fc.nat(23), fc.nat(59), fc.nat(59))
    .map((parts) => parts.map((n) => String(n).padStart(2, "0")).join(":"));
  const instants = fc.date({ min: at("2020-01-01"), max: at("2039-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(instants, times, (instant, switchTime) => {
      const day = logDay(instant, switchTime);
      assert.ok(day.start <= instant.getTime() && instant.getTime() < day.end);
      const next = logDay(new Date(day.end), switchTime);
      assert.equal(next.start, day.end);
      assert.equal(daysBefore(next.date, 1), day.date);
      assert.deepEqual(logDay(new Date(day.end - 1), switchTime), day);
    }),
  );
});

test("daysBefore crosses months and years", () => {
  assert.equal(daysBefore("2026-03-01", 1), "2026-02-28");
  assert.equal(daysBefore("2028-03-01", 1), "2028-02-29");
  assert.equal(daysBefore("2026-01-05", 30), "2025-12-06");
  assert.equal(daysBefore("2026-01-05", 0), "2026-01-05");
});
