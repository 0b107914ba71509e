import type { PresentUser } from "../protocol/events";
import type { PresenceForm, PresenceListener, PresenceStore } from "./presenceStore";
import { PresenceView } from "./presenceView";

/** The presence of one process's clients. */
export class MemoryPresenceStore implements PresenceStore {
  readonly #view: PresenceView;
  #listener: PresenceListener | undefined;
  #arrivals = 0;

  constructor(roomNames: readonly string[]) {
    this.#view = new PresenceView(roomNames);
  }

  start(listener: PresenceListener): void {
    this.#listener = listener;
  }

  put(id: string, { username, avatar }: PresentUser, room: string): void {
    this.#arrivals += 1;
    const presence = { room, json: JSON.stringify({ username, avatar }), order: this.#arrivals };
    this.#listener?.onChange(this.#view.put(id, presence));
  }

  remove(id: string): void {
    this.#listener?.onChange(this.#view.remove(id));
  }

  toJson(form?: PresenceForm): string {
    return this.#view.toJson(form);
  }

  async stop(): Promise<void> {
    // Nobody else has heard of its clients.
  }
}
