import { RoomScope } from "../../access/roomScope";
import type { PresenceChange } from "../../presence/presenceStore";
import { withId } from "../../presence/presenceView";

/** What became of one client since the last diff. */
interface Pending {
  /** Where it was then; undefined: it had no presence. */
  from: string | undefined;
  /** Where it is now; undefined: it has left. */
  to: string | undefined;
  /** It left its room meanwhile, though it may be back. */
  hasMoved: boolean;
  json: string;
}

/** Changes of presence that are to be told, each client's summed up to one. */
export class PendingChanges {
  /** client id → what became of it; who moved last stands last */
  readonly #byId = new Map<string, Pending>();
  #hasMoves = false;

  /** Whether anybody came, went or changed rooms; another name alone is not worth an event. */
  get hasMoves(): boolean {
    return this.#hasMoves;
  }

  add({ id, from, to, json }: PresenceChange): void {
    const known = this.#byId.get(id);
    const isMove = from !== to;
    if (isMove) this.#byId.delete(id);
    this.#byId.set(id, {
      from: known === undefined ? from : known.from,
      to,
      hasMoved: isMove || known?.hasMoved === true,
      json,
    });
    this.#hasMoves ||= isMove;
  }

  clear(): void {
    this.#byId.clear();
    this.#hasMoves = false;
  }

  /** `PresenceDiff` as JSON, of these rooms or of all; undefined when nothing happened there. */
  toJson(rooms = RoomScope.ALL): string | undefined {
    const joined = new Map<string, string[]>();
    const left = new Map<string, string[]>();
    const add = (to: Map<string, string[]>, room: string | undefined, item: string) => {
      if (room === undefined || !rooms.includes(room)) return;
      const items = to.get(room);
      if (items === undefined) to.set(room, [item]);
      else items.push(item);
    };
    for (const [id, { from, to, hasMoved, json }] of this.#byId) {
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
