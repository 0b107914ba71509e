import { ChatError, REFUSALS } from "./refusals";
import type { ChatRoom } from "./payloads";

/** The rooms of a deployment without a list of its own. Existing frontends know these four. */
export const DEFAULT_ROOMS: readonly ChatRoom[] = [
  { label: "Cooking", name: "/cooking" },
  { label: "$$Money$$", name: "/money" },
  { label: "Traveling", name: "/travel" },
  { label: "Damn Cute Fur Babies", name: "/pets" },
];

/** The rooms of this deployment. The list never changes while the process runs. */
export class Rooms {
  readonly #byName: Map<string, ChatRoom>; // room name → room, in the order of the list

  constructor(rooms: readonly ChatRoom[]) {
    this.#byName = new Map(rooms.map(({ label, name }) => [name, Object.freeze({ label, name })]));
  }

  /** Returns the rooms in the order in which clients show them. */
  list(): ChatRoom[] {
    return [...this.#byName.values()];
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }

  /** Returns the room with the server's label. Throws the ChatError `unknownRoom` if there is no such room. */
  get(name: string): ChatRoom {
    const room = this.#byName.get(name);
    if (room === undefined) throw new ChatError(REFUSALS.unknownRoom);
    return room;
  }
}
