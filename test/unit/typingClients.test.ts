import { RoomScope } from "../../src/access/roomScope";
import { Audience } from "../../src/delivery/audience";
import { RoomListeners } from "../../src/delivery/roomListeners";
import { TypingClients } from "../../src/delivery/typingClients";
import type { TypingInformation } from "../../src/protocol/events";
import { Rooms } from "../../src/protocol/rooms";
import { fakeConnection } from "../support/fakeConnection";
import { numbers } from "../support/numbers";
import { COOKING, PETS } from "../support/rooms";

const NODE = "another node";

interface Scene {
  typing: TypingClients;
  /** What the other nodes were sent. */
  published: TypingInformation[];
  /** The other node reports typing. */
  receive: (typing: TypingInformation) => void;
  /** What the listener has received since the last call: `+ana` began typing, `-ana` stopped. */
  heard: () => string[];
}

function setUp(): Scene {
  const audience = new Audience({ requestFlush: () => undefined, onFlush: () => undefined });
  const listeners = new RoomListeners(() => audience);
  const { conn, packets } = fakeConnection();
  listeners.add(conn, RoomScope.ALL);
  const published: TypingInformation[] = [];
  let receive: (nodeId: string, payload: unknown) => void = () => undefined;
  const bus = {
    nodeId: "this node",
    publish: (_kind: string, payload: unknown) => published.push(payload as TypingInformation),
    subscribe: (_kind: string, listener: typeof receive) => (receive = listener),
    start: () => undefined,
    stop: () => Promise.resolve(),
  };
  const typing = new TypingClients(listeners, new Rooms([COOKING, PETS]), bus);
  const heard = () => {
    audience.flush();
    return packets.splice(0).map((packet) => {
      const [, { data }] = JSON.parse(packet.slice(1)) as [string, { data: TypingInformation }];
      return `${data.isTyping ? "+" : "-"}${data.username}`;
    });
  };
  return { typing, published, receive: (data) => receive(NODE, data), heard };
}

function by(username: string, { isTyping = true, chatRoom = COOKING } = {}): TypingInformation {
  return { username, chatRoom, isTyping };
}

test("a client types under one name in a room: another name ends the one before, here and on other nodes", () => {
  const { typing, published, heard } = setUp();
  const { conn } = fakeConnection();
  typing.update(conn, by("ana"));
  typing.update(conn, by("bo"));
  typing.update(conn, by("bo"));
  expect(heard()).toEqual(["+ana", "-ana", "+bo", "+bo"]);
  expect(published.map(({ username, isTyping }) => [username, isTyping])).toEqual([
    ["ana", true],
    ["ana", false],
    ["bo", true],
    ["bo", true],
  ]);
});

test("a client that vanishes after it typed under 1,000 names stops in each room once", () => {
  const { typing, heard } = setUp();
  const { conn } = fakeConnection();
  for (const username of numbers(1_000)) typing.update(conn, by(username));
  typing.update(conn, by("ana", { chatRoom: PETS }));
  heard();
  typing.stopTyping(conn);
  expect(heard()).toEqual(["-999", "-ana"]);
});

test("the clients of another node may type under many names", () => {
  const { typing, receive, heard } = setUp();
  for (const username of ["ana", "bo"]) receive(by(username));
  receive(by("ana", { isTyping: false }));
  expect(heard()).toEqual(["+ana", "+bo", "-ana"]);
  typing.stopTyping(NODE);
  expect(heard()).toEqual(["-bo"]);
});

test("of another node whose reports of the end are lost, the latest 10,000 are remembered", () => {
  const { typing, receive, heard } = setUp();
  for (const username of numbers(10_002)) receive(by(username));
  heard();
  typing.stopTyping(NODE);
  const stopped = heard();
  expect([stopped.length, stopped[0], stopped.at(-1)]).toEqual([10_000, "-2", "-10001"]);
});
