import { RoomScope } from "../../access/roomScope";
import type { PresenceChange } from "../../presence/presenceStore";
import { withId } from "../../presence/presenceView";

/** All changes of one client since the last diff as one: `from` is its room then, `to` its room now. */
interface PendingChange extends PresenceChange {
  /** The client left its room meanwhile, even if it is back there now. */
  hasMoved: boolean;
}

/** Changes of presence since the last diff, summed up to one per client. */
export class PendingChanges {
  /** client id → its change, in order of the latest move */
  readonly #byId = new Map<string, PendingChange>();
  /** Whether a client joined, left or changed rooms. A new name or avatar alone causes no event. */
  hasMoves = false;

  add(change: PresenceChange): void {
    const { id, from, to } = change;
    const before = this.#byId.get(id) ?? { from, hasMoved: false };
    const isMove = from !== to;
    if (isMove) this.#byId.delete(id); // so that it is inserted last
    this.#byId.set(id, { ...change, from: before.from, hasMoved: isMove || before.hasMoved });
    this.hasMoves ||= isMove;
  }

  clear(): void {
    this.#byId.clear();
    this.hasMoves = false;
  }

  /** Returns `PresenceDiff` as JSON, of the rooms in the scope; undefined if nothing changed there. */
  toJson(rooms = RoomScope.ALL): string | undefined {
    const joined = new Map<string, string[]>();
    const left = new Map<string, string[]>();
    const add = (lists: Map<string, string[]>, room: string | undefined, item: string) => {
      if (room === undefined || !rooms.includes(room)) return;
      const items = lists.get(room);
      if (items === undefined) lists.set(room, [item]);
      else items.push(item);
    };
    for (const { id, from, to, hasMoved, json } of this.#byId.values()) {
      if (hasMoved) add(left, from, JSON.stringify(id));
      add(joined, to, withId(id, json));
    }
    if (joined.size === 0 && left.size === 0) return undefined;
    return `{"joined":${listsJson(joined)},"left":${listsJson(left)}}`;
  }
}

function listsJson(lists: Map<string, string[]>): string {
  const entries = Array.from(lists, ([room, items]) => `${JSON.stringify(room)}:[${items.join(",")}]`);
  return `{${entries.join(",")}}`;
}
