import { RoomScope } from "../../src/access/roomScope";
import type { Connection } from "../../src/connections/engine";
import { FanOut } from "../../src/delivery/fanOut";
import { PresenceGroups } from "../../src/delivery/presence/presenceGroups";
import { Metrics } from "../../src/observability/metrics";

/** A connection over long polling that keeps what is written to it. */
class Conn {
  readonly written: unknown[] = [];
  readonly readyState = "open";
  readonly transport = { name: "polling" };

  write(packet: unknown): void {
    this.written.push(packet);
  }

  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

const PETS = RoomScope.of(["/pets"]);

function open() {
  const fanOut = new FanOut(new Metrics());
  const groups = new PresenceGroups(fanOut);
  const add = (rooms: RoomScope) => {
    const conn = new Conn();
    groups.add(conn.asConnection, rooms);
    return conn;
  };
  /** key of each group's rooms, and the number of its members */
  const sizes = () => groups.packets(({ key }) => key).map(({ packet, audience }) => [packet, audience.size]);
  return { fanOut, groups, add, sizes };
}

test("connections with the same rooms share one packet", () => {
  const { add, sizes } = open();
  for (const rooms of [RoomScope.ALL, PETS, RoomScope.ALL, RoomScope.of(["/pets"])]) add(rooms);
  expect(sizes()).toEqual([
    [RoomScope.ALL.key, 2],
    [PETS.key, 2],
  ]);
});

test("a group whose rooms have no packet is left out", () => {
  const { add, groups } = open();
  add(RoomScope.ALL);
  add(PETS);
  const packets = groups.packets((rooms) => (rooms.includes("/cooking") ? "packet" : undefined));
  expect(packets.map(({ packet, audience }) => [packet, audience.size])).toEqual([["packet", 1]]);
});

test("the group of the last member is given up, and made again when it is needed", () => {
  const { add, groups, sizes, fanOut } = open();
  const drop = jest.spyOn(fanOut, "drop");
  const [first, second] = [add(PETS), add(PETS)];
  groups.remove(first.asConnection);
  expect(sizes()).toEqual([[PETS.key, 1]]);
  expect(drop).not.toHaveBeenCalled();
  groups.remove(second.asConnection);
  groups.remove(second.asConnection);
  expect(sizes()).toEqual([]);
  expect(drop).toHaveBeenCalledTimes(1);
  add(PETS);
  expect(sizes()).toEqual([[PETS.key, 1]]);
});

test("an unknown connection can be removed", () => {
  const { add, groups, sizes } = open();
  add(PETS);
  groups.remove(new Conn().asConnection);
  expect(sizes()).toEqual([[PETS.key, 1]]);
});

test("a new member does not receive what was published before", () => {
  const { add, groups, fanOut } = open();
  const first = add(PETS);
  for (const { audience } of groups.packets(() => "")) audience.publish("before");
  const second = add(PETS);
  for (const { audience } of groups.packets(() => "")) audience.publish("after");
  fanOut.schedule.flushNow();
  expect([first.written, second.written]).toEqual([["before", "after"], ["after"]]);
});

test("members that move to other groups receive what is published there, and nothing else", () => {
  const { add, groups, sizes, fanOut } = open();
  const others = new PresenceGroups(fanOut);
  const conns = [add(PETS), add(PETS), add(RoomScope.ALL)];
  groups.moveAllTo(others);
  expect(sizes()).toEqual([]);
  for (const { audience, packet } of others.packets(({ key }) => key)) audience.publish(packet);
  fanOut.schedule.flushNow();
  expect(conns.map(({ written }) => written)).toEqual([[PETS.key], [PETS.key], [RoomScope.ALL.key]]);
});

test("a new group does not reset the metrics of the groups before it", async () => {
  const metrics = new Metrics();
  const fanOut = new FanOut(metrics);
  for (const rooms of [RoomScope.ALL, PETS]) {
    const groups = new PresenceGroups(fanOut);
    groups.add(new Conn().asConnection, rooms);
    for (const { audience } of groups.packets(() => "packet")) audience.publish("packet");
    fanOut.schedule.flushNow();
  }
  expect(await metrics.text()).toMatch(/_count\{event="presence"\} 2$/m);
});
