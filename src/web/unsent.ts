import { ChatClientError, type ChatClient } from "../client/chatClient";
import { v4 as newUuid } from "uuid";
import { isText, load, save } from "./storage";
import type { UnsentMessage } from "./timeline";

const KEY = "unsent";

export interface UnsentOptions {
  client: ChatClient;
  /** Something has changed in the room. */
  onChange: (room: string) => void;
}

/**
 * Messages on their way, kept in the browser until they are stored, so that neither a reload nor a crash loses one. The
 * uuid goes with it: sent again, it is stored once. Windows of one browser share the list, so each looks at it anew
 * before changing it.
 */
export class Unsent {
  readonly #options: UnsentOptions;
  /** uuids of what this visit has handed to the client. */
  readonly #delivering = new Set<string>();

  constructor(options: UnsentOptions) {
    this.#options = options;
  }

  /** Of one room, in the order of writing. */
  of(room: string): UnsentMessage[] {
    return all().filter((message) => message.room === room);
  }

  send(room: string, username: string, message: string): void {
    const unsent: UnsentMessage = { uuid: newUuid(), room, username, message, at: Date.now() };
    save(KEY, [...all(), unsent]);
    this.#options.onChange(room);
    this.#deliver(unsent);
  }

  /** Sends again what an earlier visit left behind; `isHeard` knows what had arrived all the same. */
  resume(room: string, isHeard: (message: UnsentMessage) => boolean): void {
    const { client } = this.#options;
    const earlier = this.of(room).filter(({ uuid }) => !this.#delivering.has(uuid));
    for (const message of earlier) {
      if (message.isStored === true || isHeard(message)) this.remove(message);
      // Under another name it would be another message.
      else if (message.username !== client.username)
        this.#change(message, { failure: "Your name has changed" });
      else if (message.failure === undefined) this.#deliver(message);
    }
  }

  /** Under a new uuid, for the old one has been refused, and under the name of now. */
  retry(message: UnsentMessage): void {
    this.remove(message);
    this.send(message.room, this.#options.client.username ?? message.username, message.message);
  }

  remove({ uuid, room }: { uuid: string; room: string }): void {
    this.#delivering.delete(uuid);
    const messages = all();
    const others = messages.filter((message) => message.uuid !== uuid);
    if (others.length === messages.length) return;
    save(KEY, others);
    this.#options.onChange(room);
  }

  #deliver(message: UnsentMessage): void {
    const { client } = this.#options;
    this.#delivering.add(message.uuid);
    client.send(message.room, message.message, { uuid: message.uuid }).then(
      // It stays until it is heard: its place is behind what has been said before it.
      () => this.#change(message, { isStored: true }),
      (error: unknown) => {
        const isClosed = !(error instanceof ChatClientError) || error.status === 0;
        if (!isClosed) this.#change(message, { failure: error.message }); // else it waits for the next visit
      },
    );
  }

  #change({ uuid, room }: UnsentMessage, change: Partial<UnsentMessage>): void {
    const changed = all().map((message) => (message.uuid === uuid ? { ...message, ...change } : message));
    save(KEY, changed);
    this.#options.onChange(room);
  }
}

/** What another visit, or another program, has left there is looked at piece by piece. */
function all(): UnsentMessage[] {
  return load(KEY, (value) => Array.isArray(value), []).filter(isUnsent);
}

function isUnsent(value: unknown): value is UnsentMessage {
  const { uuid, room, username, message, at, failure = "" } = (value ?? {}) as Record<string, unknown>;
  return [uuid, room, username, message, failure].every(isText) && typeof at === "number";
}
