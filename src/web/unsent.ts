import { ChatClientError, type ChatClient } from "../client/chatClient";
import { v4 as newUuid } from "uuid";
import { isText, load, save } from "./storage";
import type { UnsentMessage } from "./timeline";

const STORAGE_KEY = "unsent";

export interface UnsentOptions {
  client: ChatClient;
  /** Called when the unsent messages of the room have changed. */
  onChange: (room: string) => void;
}

/**
 * Messages that are not known to be stored. The browser keeps them, so that neither a reload nor a crash loses one. Each
 * keeps its uuid: sent again, it is stored once. Windows of one browser share the list, so each change begins by reading it.
 */
export class Unsent {
  readonly #options: UnsentOptions;
  /** The uuids of messages that were passed to the client during this visit. */
  readonly #delivering = new Set<string>();

  constructor(options: UnsentOptions) {
    this.#options = options;
  }

  /** Returns the unsent messages of a room in the order of writing. */
  of(room: string): UnsentMessage[] {
    return loadAll().filter((message) => message.room === room);
  }

  send(room: string, username: string, message: string): void {
    const unsent: UnsentMessage = { uuid: newUuid(), room, username, message, at: Date.now() };
    save(STORAGE_KEY, [...loadAll(), unsent]);
    this.#options.onChange(room);
    this.#deliver(unsent);
  }

  /** Sends again what an earlier visit left behind, except messages that turn out to be stored. */
  resume(room: string, isReceived: (message: UnsentMessage) => boolean): void {
    const { client } = this.#options;
    const earlier = this.of(room).filter(({ uuid }) => !this.#delivering.has(uuid));
    for (const message of earlier) {
      if (message.isStored === true || isReceived(message)) this.remove(message);
      // Under another name it would be a different message.
      else if (message.username !== client.username)
        this.#change(message, { failure: "Your name has changed" });
      else if (message.failure === undefined) this.#deliver(message);
    }
  }

  /** Sends a refused message again: under a new uuid, and under the current name. */
  retry(message: UnsentMessage): void {
    this.remove(message);
    this.send(message.room, this.#options.client.username ?? message.username, message.message);
  }

  remove({ uuid, room }: { uuid: string; room: string }): void {
    this.#delivering.delete(uuid);
    const messages = loadAll();
    const others = messages.filter((message) => message.uuid !== uuid);
    if (others.length === messages.length) return;
    save(STORAGE_KEY, others);
    this.#options.onChange(room);
  }

  #deliver(message: UnsentMessage): void {
    const { client } = this.#options;
    this.#delivering.add(message.uuid);
    client.send(message.room, message.message, { uuid: message.uuid }).then(
      // It stays until the message itself is received: only then is its place among the others known.
      () => this.#change(message, { isStored: true }),
      (error: unknown) => {
        const isClosed = !(error instanceof ChatClientError) || error.status === 0;
        if (!isClosed) this.#change(message, { failure: error.message }); // otherwise it waits for the next visit
      },
    );
  }

  #change({ uuid, room }: UnsentMessage, change: Partial<UnsentMessage>): void {
    const changed = loadAll().map((message) => (message.uuid === uuid ? { ...message, ...change } : message));
    save(STORAGE_KEY, changed);
    this.#options.onChange(room);
  }
}

/** Validates every message: another version of the page may have stored something else. */
function loadAll(): UnsentMessage[] {
  return load(STORAGE_KEY, (value) => Array.isArray(value), []).filter(isUnsent);
}

function isUnsent(value: unknown): value is UnsentMessage {
  const { uuid, room, username, message, at, failure = "" } = (value ?? {}) as Record<string, unknown>;
  return [uuid, room, username, message, failure].every(isText) && typeof at === "number";
}
