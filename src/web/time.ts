const GROUP_MS = 5 * 60_000; // messages of one user within it share a header

const DAY_MS = 86_400_000;

/* All times are in ms since the epoch. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function timeOf(at: number): string {
  return clock.format(at);
}

export function exactTimeOf(at: number): string {
  return exact.format(at);
}

/** Returns "Today", "Yesterday" or the date, with the year if it is not the current one. */
export function dayOf(at: number, now = Date.now()): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (isThisYear ? weekday : date).format(at);
}

export function isSameDay(one: number, other: number): boolean {
  return startOfDay(one) === startOfDay(other);
}

export function isSameGroup(one: number, other: number): boolean {
  return Math.abs(one - other) < GROUP_MS && isSameDay(one, other);
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
