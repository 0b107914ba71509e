import { dayOf, isSameDay, isSameGroup } from "../../src/web/time";

/* Local times, so that the tests hold in every time zone. */
const at = (day: number, hour: number, minute = 0) => new Date(2026, 2, day, hour, minute).getTime();
const now = at(15, 12);

test("the day is counted by midnights, not by 24 hours", () => {
  expect(dayOf(at(15, 0), now)).toBe("Today");
  expect(dayOf(at(14, 23, 59), at(15, 0, 1))).toBe("Yesterday");
  expect(dayOf(at(14, 0), at(15, 23, 59))).toBe("Yesterday");
});

test("an older day is shown as a date, with the year only if it is another one", () => {
  expect(dayOf(at(13, 12), now)).toMatch(/13/);
  expect(dayOf(at(13, 12), now)).not.toMatch(/2026/);
  expect(dayOf(new Date(2025, 11, 31).getTime(), now)).toMatch(/2025/);
});

test("days of 23 and 25 hours count as one day", () => {
  // Europe and North America change their clocks in these months; elsewhere the days have 24 hours.
  for (const month of [2, 9, 10])
    for (let day = 2; day <= 31; day += 1) {
      const noon = new Date(2026, month, day, 12).getTime();
      const before = new Date(2026, month, day - 1, 12).getTime();
      expect(dayOf(before, noon)).toBe("Yesterday");
    }
});

test("messages within five minutes of one day are one group", () => {
  expect(isSameGroup(at(15, 12, 0), at(15, 12, 4))).toBe(true);
  expect(isSameGroup(at(15, 12, 0), at(15, 12, 5))).toBe(false);
  expect(isSameGroup(at(14, 23, 58), at(15, 0, 1))).toBe(false);
  expect([isSameDay(at(15, 0), at(15, 23, 59)), isSameDay(at(14, 23, 59), at(15, 0))]).toEqual([true, false]);
});
