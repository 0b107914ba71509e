import { Audience, type AudienceHooks } from "../../src/delivery/audience";
import { encodeFrames } from "../../src/delivery/batch";
import { fakeConnection, fakeWebSocketConnection } from "../support/fakeConnection";

function setUp(skip?: AudienceHooks["skip"]) {
  const requestFlush = jest.fn();
  const onFlush = jest.fn();
  const audience = new Audience({ requestFlush, skip, onFlush });
  const members = [fakeConnection(), fakeConnection(), fakeConnection()] as const;
  for (const { conn } of members) audience.add(conn);
  return { audience, members, requestFlush, onFlush };
}

test("a flush delivers what was published to every member, in order", () => {
  const { audience, members, requestFlush } = setUp();
  for (const packet of ["a", "b", "c"]) audience.publish(packet);
  expect(requestFlush).toHaveBeenCalled();
  for (const { packets } of members) expect(packets).toEqual([]);
  audience.flush();
  for (const { packets } of members) expect(packets).toEqual(["a", "b", "c"]);
});

test("a flush delivers each packet once", () => {
  const { audience, members, onFlush } = setUp();
  audience.publish("a");
  audience.flush();
  audience.flush();
  expect(members[0].packets).toEqual(["a"]);
  expect(onFlush).toHaveBeenCalledTimes(1);
});

test("a member on websocket receives the packets of a flush in one write", () => {
  const { audience } = setUp();
  const { conn, writes } = fakeWebSocketConnection();
  audience.add(conn);
  audience.publish("a");
  audience.publish("b", fakeConnection().conn);
  audience.flush();
  expect(writes).toEqual([encodeFrames(["a", "b"])]);
});

test("the excepted member receives all packets but its own, and the others receive all", () => {
  const { audience, members, onFlush } = setUp();
  const [first, second, third] = members;
  audience.publish("a", first.conn);
  audience.publish("b");
  audience.publish("c", second.conn);
  audience.publish("d", first.conn);
  audience.flush();
  expect(first.packets).toEqual(["b", "c"]);
  expect(second.packets).toEqual(["a", "b", "d"]);
  expect(third.packets).toEqual(["a", "b", "c", "d"]);
  expect(onFlush).toHaveBeenCalledWith(4, 9);
});

test("a member that is excepted from every packet is not written to", () => {
  const { audience, onFlush } = setUp();
  const { conn, writes } = fakeWebSocketConnection();
  audience.add(conn);
  audience.publish("a", conn);
  audience.flush();
  expect(writes).toEqual([]);
  expect(onFlush).toHaveBeenCalledWith(1, 3);
});

test("a skipped member receives nothing and is not counted", () => {
  const skipped = fakeConnection();
  const { audience, members, onFlush } = setUp((conn) => conn === skipped.conn);
  audience.add(skipped.conn);
  audience.publish("a");
  audience.publish("b", members[0].conn);
  audience.flush();
  expect(skipped.packets).toEqual([]);
  expect(onFlush).toHaveBeenCalledWith(2, 5);
});

test("a member that is removed receives nothing more, not even what was queued", () => {
  const { audience, members, onFlush } = setUp();
  audience.publish("a");
  audience.remove(members[0].conn);
  audience.flush();
  expect(members[0].packets).toEqual([]);
  expect(onFlush).toHaveBeenCalledWith(1, 2);
  expect(audience.size).toBe(2);
});

test("a member that is added after a flush receives only what is published later", () => {
  const { audience } = setUp();
  const late = fakeConnection();
  audience.publish("early");
  audience.flush();
  audience.add(late.conn);
  audience.publish("late");
  audience.flush();
  expect(late.packets).toEqual(["late"]);
});

test("what is published without a member is dropped", () => {
  const requestFlush = jest.fn();
  const onFlush = jest.fn();
  const audience = new Audience({ requestFlush, onFlush });
  audience.publish("a");
  const late = fakeConnection();
  audience.add(late.conn);
  audience.flush();
  expect(late.packets).toEqual([]);
  expect(requestFlush).not.toHaveBeenCalled();
  expect(onFlush).not.toHaveBeenCalled();
});
