import type { PresenceStore } from "../../src/presence/presenceStore";
import type { PresentUser } from "../../src/protocol/events";
import { afterThisTest } from "../support/disposal";

export const PRESENCE_ROOMS = ["/cooking", "/pets"];

/** Who a store shows, room by room, as the clients get to see it. */
export function shown(store: PresenceStore): Record<string, string[]> {
  const rooms = JSON.parse(store.toJson()) as Record<string, PresentUser[]>;
  return Object.fromEntries(
    Object.entries(rooms).map(([room, users]) => [room, users.map(({ username }) => username)]),
  );
}

export function user(username: string, avatar = ""): PresentUser {
  return { username, avatar };
}

/** What every presence store promises to the node it runs on (src/presence/presenceStore.ts). */
export function describePresenceStore(
  name: string,
  create: (roomNames: readonly string[]) => PresenceStore,
): void {
  describe(`presence store: ${name}`, () => {
    function open(): { store: PresenceStore; changes: () => number } {
      const store = create(PRESENCE_ROOMS);
      let changes = 0;
      store.start({ onChange: () => (changes += 1), onNodeGone: () => undefined });
      afterThisTest(() => store.stop());
      return { store, changes: () => changes };
    }

    test("an empty one has a key for every room, in their order", () => {
      expect(open().store.toJson()).toBe('{"/cooking":[],"/pets":[]}');
    });

    test("shows users in order of arrival, with what they gave and nothing else", () => {
      const { store } = open();
      const odd = { username: 'é "👋" \u2028 \ud800', avatar: "x".repeat(2_048), extra: "?" };
      expect(store.put("1", odd, "/cooking")).toBe(true);
      expect(store.put("2", user("bo"), "/cooking")).toBe(true);
      expect(store.put("3", user("cy"), "/pets")).toBe(true);
      const { username, avatar } = odd;
      expect(JSON.parse(store.toJson())).toEqual({
        "/cooking": [{ username, avatar }, user("bo")],
        "/pets": [user("cy")],
      });
    });

    test("two clients of one name are two", () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("ana"), "/cooking");
      store.remove("1");
      expect(shown(store)).toEqual({ "/cooking": ["ana"], "/pets": [] });
    });

    test("in its room a client changes name and avatar, not its place, and no room changed", () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("bo"), "/cooking");
      expect(store.put("1", user("anna", "new"), "/cooking")).toBe(false);
      expect(JSON.parse(store.toJson())).toMatchObject({ "/cooking": [user("anna", "new"), user("bo")] });
    });

    test("another room takes a client to its end and out of the first", () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("bo"), "/pets");
      expect(store.put("1", user("ana"), "/pets")).toBe(true);
      expect(store.put("2", user("bo"), "/cooking")).toBe(true);
      expect(store.put("2", user("bo"), "/pets")).toBe(true);
      expect(shown(store)).toEqual({ "/cooking": [], "/pets": ["ana", "bo"] });
    });

    test("a client that is removed is gone, and removing it again changes nothing", () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      expect(store.remove("1")).toBe(true);
      expect(store.remove("1")).toBe(false);
      expect(store.remove("never there")).toBe(false);
      expect(shown(store)).toEqual({ "/cooking": [], "/pets": [] });
    });

    test("ids and names that mean something to JavaScript mean nothing here", () => {
      const { store } = open();
      for (const id of ["__proto__", "constructor", ""]) {
        expect(store.put(id, user("ana"), "/cooking")).toBe(true);
        expect(store.remove(id)).toBe(true);
      }
      expect(() => store.put("1", user("ana"), "constructor")).toThrow("does not exist");
    });

    test("what the node does itself is not told to it as a change", () => {
      const { store, changes } = open();
      store.put("1", user("ana"), "/cooking");
      store.remove("1");
      expect(changes()).toBe(0);
    });

    test("it can be stopped twice", async () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      await store.stop();
      await store.stop();
    });
  });
}
