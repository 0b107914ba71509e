import { RoomScope } from "../../src/access/roomScope";
import { Audience } from "../../src/delivery/audience";
import { RoomListeners } from "../../src/delivery/roomListeners";
import { fakeConnection } from "../support/fakeConnection";

function setUp() {
  const audiences: Audience[] = [];
  const listeners = new RoomListeners(() => {
    const audience = new Audience({ requestFlush: jest.fn(), onFlush: jest.fn() });
    audiences.push(audience);
    return audience;
  });
  const listener = (scope: RoomScope) => {
    const fake = fakeConnection();
    listeners.add(fake.conn, scope);
    return fake;
  };
  const flush = () => {
    for (const audience of audiences) audience.flush();
  };
  return { audiences, listeners, listener, flush };
}

test("a client of every room receives the events of every room", () => {
  const { listeners, listener, flush } = setUp();
  const { packets } = listener(RoomScope.ALL);
  for (const room of ["/a", "/b"]) listeners.publish(room, () => room);
  flush();
  expect(packets).toEqual(["/a", "/b"]);
});

test("a client of some rooms receives the events of these rooms alone", () => {
  const { listeners, listener, flush } = setUp();
  const ofTwo = listener(RoomScope.of(["/a", "/b"]));
  const ofNone = listener(RoomScope.of([]));
  for (const room of ["/a", "/c", "/b"]) listeners.publish(room, () => room);
  flush();
  expect(ofTwo.packets.sort()).toEqual(["/a", "/b"]);
  expect(ofNone.packets).toEqual([]);
});

test("an event is encoded once for all its listeners", () => {
  const { listeners, listener, flush } = setUp();
  const ofAll = listener(RoomScope.ALL);
  const ofSome = [listener(RoomScope.of(["/a"])), listener(RoomScope.of(["/a", "/b"]))];
  const encode = jest.fn(() => "packet");
  listeners.publish("/a", encode);
  flush();
  for (const { packets } of [ofAll, ...ofSome]) expect(packets).toEqual(["packet"]);
  expect(encode).toHaveBeenCalledTimes(1);
});

test("an event without a listener is not encoded", () => {
  const { listeners, listener } = setUp();
  const { conn } = listener(RoomScope.of(["/a"]));
  const encode = jest.fn(() => "packet");
  listeners.publish("/b", encode);
  listeners.remove(conn);
  listeners.publish("/a", encode);
  expect(encode).not.toHaveBeenCalled();
});

test.each([
  ["every room", RoomScope.ALL],
  ["some rooms", RoomScope.of(["/a"])],
])("a client of %s receives nothing that was published before it joined", (_name, scope) => {
  const { listeners, listener, flush } = setUp();
  const early = listener(scope);
  listeners.publish("/a", () => "before");
  const late = listener(scope);
  listeners.publish("/a", () => "after");
  flush();
  expect(early.packets).toEqual(["before", "after"]);
  expect(late.packets).toEqual(["after"]);
});

test.each([
  ["every room", RoomScope.ALL],
  ["some rooms", RoomScope.of(["/a", "/b"])],
])("a client of %s receives nothing after it was removed", (_name, scope) => {
  const { listeners, listener, flush } = setUp();
  const { conn, packets } = listener(scope);
  listeners.publish("/a", () => "queued");
  listeners.remove(conn);
  listeners.publish("/b", () => "later");
  flush();
  expect(packets).toEqual([]);
});

test("the excepted client does not receive the event, the others do", () => {
  const { listeners, listener, flush } = setUp();
  const sender = listener(RoomScope.of(["/a"]));
  const others = [listener(RoomScope.of(["/a"])), listener(RoomScope.ALL)];
  listeners.publish("/a", () => "packet", sender.conn);
  flush();
  expect(sender.packets).toEqual([]);
  for (const { packets } of others) expect(packets).toEqual(["packet"]);
});

test("an audience exists once for each room, however many clients join it", () => {
  const { audiences, listener } = setUp();
  for (let i = 0; i < 3; i += 1) listener(RoomScope.of(["/a", "/b"]));
  listener(RoomScope.ALL);
  expect(audiences.map(({ size }) => size)).toEqual([3, 3, 1]);
});
