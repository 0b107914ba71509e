import { RoomScope } from "../../src/access/roomScope";
import type { PresenceChange, PresenceStore } from "../../src/presence/presenceStore";
import type { PresentUser } from "../../src/protocol/events";
import { afterThisTest } from "../support/disposal";

export const PRESENCE_ROOMS = ["/cooking", "/pets"];

/** Returns room name → the usernames that the store shows there, in order. */
export function shown(store: PresenceStore): Record<string, string[]> {
  const rooms = JSON.parse(store.toJson()) as Record<string, PresentUser[]>;
  return Object.fromEntries(
    Object.entries(rooms).map(([room, users]) => [room, users.map(({ username }) => username)]),
  );
}

export function user(username: string, avatar = ""): PresentUser {
  return { username, avatar };
}

/** Tests the promises of src/presence/presenceStore.ts to the node that the store runs on. */
export function describePresenceStore(
  name: string,
  create: (roomNames: readonly string[]) => PresenceStore,
): void {
  describe(`presence store: ${name}`, () => {
    /** `changes` returns what was reported since its last call, each as `[id, from, to, user]`. */
    function open(): { store: PresenceStore; changes: () => unknown[] } {
      const store = create(PRESENCE_ROOMS);
      const reported: PresenceChange[] = [];
      store.start({ onChange: (changes) => reported.push(...changes), onNodeGone: () => undefined });
      afterThisTest(() => store.stop());
      const changes = () =>
        reported.splice(0).map(({ id, from, to, json }) => [id, from, to, JSON.parse(json)]);
      return { store, changes };
    }

    test("an empty store has a key for every room, in the given order", () => {
      expect(open().store.toJson()).toBe('{"/cooking":[],"/pets":[]}');
    });

    test("shows users in order of arrival, with username and avatar and no other field", () => {
      const { store } = open();
      const odd = { username: 'é "👋" \u2028 \ud800', avatar: "x".repeat(2_048), extra: "?" };
      store.put("1", odd, "/cooking");
      store.put("2", user("bo"), "/cooking");
      store.put("3", user("cy"), "/pets");
      const { username, avatar } = odd;
      expect(JSON.parse(store.toJson())).toEqual({
        "/cooking": [{ username, avatar }, user("bo")],
        "/pets": [user("cy")],
      });
    });

    test("two clients with the same name are two users", () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("ana"), "/cooking");
      store.remove("1");
      expect(shown(store)).toEqual({ "/cooking": ["ana"], "/pets": [] });
    });

    test("a client in its room changes name and avatar, keeps its place, and the change is no move", () => {
      const { store, changes } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("bo"), "/cooking");
      changes();
      store.put("1", user("anna", "new"), "/cooking");
      store.put("1", user("anna", "new"), "/cooking");
      expect(changes()).toEqual([["1", "/cooking", "/cooking", user("anna", "new")]]);
      expect(JSON.parse(store.toJson())).toMatchObject({ "/cooking": [user("anna", "new"), user("bo")] });
    });

    test("a client that changes rooms leaves the first and is last in the second", () => {
      const { store, changes } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("bo"), "/pets");
      store.put("1", user("ana"), "/pets");
      store.put("2", user("bo"), "/cooking");
      store.put("2", user("bo"), "/pets");
      expect(changes()).toEqual([
        ["1", undefined, "/cooking", user("ana")],
        ["2", undefined, "/pets", user("bo")],
        ["1", "/cooking", "/pets", user("ana")],
        ["2", "/pets", "/cooking", user("bo")],
        ["2", "/cooking", "/pets", user("bo")],
      ]);
      expect(shown(store)).toEqual({ "/cooking": [], "/pets": ["ana", "bo"] });
    });

    test("a removed client is gone, and removing it again is no change", () => {
      const { store, changes } = open();
      store.put("1", user("ana"), "/cooking");
      changes();
      store.remove("1");
      store.remove("1");
      store.remove("never there");
      expect(changes()).toEqual([["1", "/cooking", undefined, user("ana")]]);
      expect(shown(store)).toEqual({ "/cooking": [], "/pets": [] });
    });

    test("shows ids on request only", () => {
      const { store } = open();
      store.put('"1"', user("ana"), "/cooking");
      store.toJson();
      const both = [store.toJson({ withIds: true }), store.toJson()].map(
        (json) => JSON.parse(json) as unknown,
      );
      const [ana] = [user("ana")];
      expect(both).toEqual([
        { "/cooking": [{ id: '"1"', ...ana }], "/pets": [] },
        { "/cooking": [ana], "/pets": [] },
      ]);
    });

    test("shows rooms outside the scope as empty", () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      store.put("2", user("bo"), "/pets");
      const json = store.toJson({ rooms: RoomScope.of(["/pets"]) });
      expect(JSON.parse(json)).toEqual({ "/cooking": [], "/pets": [user("bo")] });
    });

    test("property names of JavaScript objects are ordinary ids and no rooms", () => {
      const { store } = open();
      for (const id of ["__proto__", "constructor", ""]) {
        store.put(id, user("ana"), "/cooking");
        expect(shown(store)).toEqual({ "/cooking": ["ana"], "/pets": [] });
        store.remove(id);
        expect(shown(store)).toEqual({ "/cooking": [], "/pets": [] });
      }
      expect(() => store.put("1", user("ana"), "constructor")).toThrow("does not exist");
    });

    test("it can be stopped twice, and still shows its clients then", async () => {
      const { store } = open();
      store.put("1", user("ana"), "/cooking");
      await store.stop();
      await expect(store.stop()).resolves.toBeUndefined();
      expect(shown(store)).toEqual({ "/cooking": ["ana"], "/pets": [] });
    });
  });
}
