import { RoomScope } from "../../src/access/roomScope";

test("the scope of all rooms includes every room", () => {
  expect(RoomScope.ALL.includes("/anything")).toBe(true);
  expect(RoomScope.ALL.names).toBeUndefined();
});

test("a scope of some rooms includes these alone", () => {
  const scope = RoomScope.of(["/pets", "/money"]);
  expect([scope.includes("/pets"), scope.includes("/cooking")]).toEqual([true, false]);
});

test("scopes of the same rooms have the same key, others have others", () => {
  const keys = [["/pets"], ["/pets"], ["/pets", "/money"], []].map((names) => RoomScope.of(names).key);
  expect(keys[0]).toBe(keys[1]);
  expect(new Set([...keys, RoomScope.ALL.key]).size).toBe(4);
});

test("names with commas, quotes or an asterisk give no other scope's key", () => {
  const lists = [["a,b"], ["a", "b"], ['a","b'], ["*"], [""], []];
  const keys = [...lists.map((names) => RoomScope.of(names).key), RoomScope.ALL.key];
  expect(new Set(keys).size).toBe(keys.length);
});
