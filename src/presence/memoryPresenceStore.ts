import type { PresentUser } from "../protocol/events";
import type { PresenceStore } from "./presenceStore";
import { PresenceView } from "./presenceView";

/** The presence of one process's clients. */
export class MemoryPresenceStore implements PresenceStore {
  readonly #view: PresenceView;
  #arrivals = 0;

  constructor(roomNames: readonly string[]) {
    this.#view = new PresenceView(roomNames);
  }

  start(): void {
    // There are no other nodes to hear of.
  }

  put(id: string, { username, avatar }: PresentUser, room: string): boolean {
    this.#arrivals += 1;
    return this.#view.put(id, { room, json: JSON.stringify({ username, avatar }), order: this.#arrivals });
  }

  remove(id: string): boolean {
    return this.#view.remove(id);
  }

  toJson(): string {
    return this.#view.toJson();
  }

  async stop(): Promise<void> {
    // Nobody else has heard of its clients.
  }
}
