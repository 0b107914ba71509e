import type { PresentUser } from "../protocol/events";
import type { PresenceJsonOptions, PresenceListener, PresenceStore } from "./presenceStore";
import { PresenceView } from "./presenceView";

/** The presence of one process's clients, for a service of one node. */
export class MemoryPresenceStore implements PresenceStore {
  readonly #view: PresenceView;
  #listener: PresenceListener | undefined;

  /** @param roomNames every room, in the order in which `toJson` lists them */
  constructor(roomNames: readonly string[]) {
    this.#view = new PresenceView(roomNames);
  }

  start(listener: PresenceListener): void {
    this.#listener = listener;
  }

  put(id: string, user: PresentUser, room: string): void {
    this.#listener?.onChange(this.#view.putLast(id, user, room));
  }

  remove(id: string): void {
    this.#listener?.onChange(this.#view.remove(id));
  }

  toJson(options?: PresenceJsonOptions): string {
    return this.#view.toJson(options);
  }

  async stop(): Promise<void> {
    // There are no other nodes to inform.
  }
}
