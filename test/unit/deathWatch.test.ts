import { DeathWatch } from "../../src/presence/redis/deathWatch";

const LEASE_MS = 1_000;

/** A watch that has sent heartbeats for a long time, with a clock that the test moves. */
function open() {
  const clock = { now: 0 };
  const watch = new DeathWatch(LEASE_MS, () => clock.now);
  watch.grantGrace();
  const beatFor = (ms: number) => {
    for (const end = clock.now + ms; clock.now < end; clock.now += 100) watch.onHeartbeat();
  };
  beatFor(5 * LEASE_MS);
  return { clock, watch, beatFor };
}

/** Expects that with regular heartbeats nodes may be declared dead after exactly one lease, not before. */
function expectOneLeaseOfGrace({ clock, watch }: ReturnType<typeof open>): void {
  expect(watch.canDeclareDead()).toBe(false);
  for (let ms = 0; ms < LEASE_MS; ms += 100) {
    expect(watch.canDeclareDead()).toBe(false);
    clock.now += 100;
    watch.onHeartbeat();
  }
  expect(watch.canDeclareDead()).toBe(true);
}

test("with regular heartbeats nodes may be declared dead", () => {
  expect(open().watch.canDeclareDead()).toBe(true);
});

test("the first heartbeat gives other nodes a lease of time", () => {
  const clock = { now: 123_456_789 };
  const watch = new DeathWatch(LEASE_MS, () => clock.now);
  watch.onHeartbeat();
  expectOneLeaseOfGrace({ clock, watch, beatFor: () => undefined });
});

test("grace gives other nodes a lease of time", () => {
  const context = open();
  context.watch.grantGrace();
  expectOneLeaseOfGrace(context);
});

test("a heartbeat after a long pause gives other nodes a lease of time", () => {
  const context = open();
  context.clock.now += LEASE_MS;
  context.watch.onHeartbeat();
  expectOneLeaseOfGrace(context);
});

test("a heartbeat that is late by less than half a lease gives none", () => {
  const { clock, watch } = open();
  clock.now += LEASE_MS / 2 - 100;
  watch.onHeartbeat();
  expect(watch.canDeclareDead()).toBe(true);
});

test("a later reason counts from its own time", () => {
  const context = open();
  context.watch.grantGrace();
  context.beatFor(LEASE_MS - 100);
  context.watch.grantGrace();
  expectOneLeaseOfGrace(context);
});
