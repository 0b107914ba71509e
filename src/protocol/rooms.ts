import { ChatError, REFUSALS } from "./refusals";
import type { ChatRoom } from "./payloads";

/** The rooms of a deployment that brings no list of its own; frontends in the field know these four. */
export const DEFAULT_ROOMS: readonly ChatRoom[] = [
  { label: "Cooking", name: "/cooking" },
  { label: "$$Money$$", name: "/money" },
  { label: "Traveling", name: "/travel" },
  { label: "Damn Cute Fur Babies", name: "/pets" },
];

/** The fixed list of rooms and the look-up by name. */
export class Rooms {
  /** room name → room, in the order of the list */
  readonly #byName: Map<string, ChatRoom>;

  constructor(rooms: readonly ChatRoom[]) {
    this.#byName = new Map(rooms.map(({ label, name }) => [name, Object.freeze({ label, name })]));
  }

  list(): ChatRoom[] {
    return [...this.#byName.values()];
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }

  /** The server's own label and name for it. Throws the refusal for a room that does not exist. */
  get(name: string): ChatRoom {
    const room = this.#byName.get(name);
    if (room === undefined) throw new ChatError(REFUSALS.unknownRoom);
    return room;
  }
}
