import { PresenceList } from "../../src/client/presenceList";

const client = (id: string, username: string, avatar = "") => ({ id, username, avatar });
const user = (username: string, avatar = "") => ({ username, avatar });

function list(): PresenceList {
  const presence = new PresenceList();
  presence.reset({
    usersPerRoom: { "/cooking": [client("1", "ana"), client("2", "bo")], "/pets": [client("3", "ana")] },
  });
  return presence;
}

test("the state of a new connection replaces the old one", () => {
  const presence = list();
  presence.reset({ usersPerRoom: { "/cooking": [client("9", "cy")], "/pets": [] } });
  expect(presence.merged()).toEqual({ usersPerRoom: { "/cooking": [user("cy")], "/pets": [] } });
});

test("a difference removes and adds connections, in a new room as well", () => {
  const presence = list();
  presence.apply({ joined: { "/money": [client("1", "ana")] }, left: { "/cooking": ["1", "unknown"] } });
  expect(presence.merged().usersPerRoom).toEqual({
    "/cooking": [user("bo")],
    "/pets": [user("ana")],
    "/money": [user("ana")],
  });
});

test("a connection that joined again is replaced in place; one that left and joined moves to the end", () => {
  const presence = list();
  presence.apply({ joined: { "/cooking": [client("1", "anna", "picture")] }, left: {} });
  expect(presence.merged().usersPerRoom["/cooking"]).toEqual([user("anna", "picture"), user("bo")]);
  presence.apply({ joined: { "/cooking": [client("1", "anna")] }, left: { "/cooking": ["1"] } });
  expect(presence.merged().usersPerRoom["/cooking"]).toEqual([user("bo"), user("anna")]);
});

test("a user with several connections in a room is listed once, with the latest avatar", () => {
  const presence = list();
  presence.apply({ joined: { "/cooking": [client("4", "ana", "new")] }, left: {} });
  expect(presence.merged().usersPerRoom["/cooking"]).toEqual([user("ana", "new"), user("bo")]);
  presence.apply({ joined: {}, left: { "/cooking": ["4"] } });
  expect(presence.merged().usersPerRoom["/cooking"]).toEqual([user("ana"), user("bo")]);
});

test("a username that is also a property of every object is a username like any other", () => {
  const presence = new PresenceList();
  presence.reset({ usersPerRoom: { "/pets": [client("1", "__proto__"), client("2", "constructor")] } });
  expect(presence.merged().usersPerRoom["/pets"]).toEqual([user("__proto__"), user("constructor")]);
});
