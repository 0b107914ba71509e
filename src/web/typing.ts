import type { ChatClient, TypingInformation } from "../client/chatClient";
import { byId, el } from "./dom";

const REPEAT_AFTER_MS = 3_000;
const IDLE_AFTER_MS = 5_000; // without a key
const EXPIRE_AFTER_MS = 8_000; // longer than REPEAT_AFTER_MS; `isTyping: false` may be lost

/** Notifies others that this user is typing, and shows which other users are. */
export class Typing {
  readonly #client: ChatClient;
  readonly #line = byId("typing");
  /** room → username → the timer that ends it */
  readonly #typing = new Map<string, Map<string, number>>();
  #room = "";
  /** When others were last notified that this user is typing (monotonic ms); undefined: not typing. */
  #notifiedAt: number | undefined;
  #idleTimer = 0;

  constructor(client: ChatClient) {
    this.#client = client;
    client.on("typing", (typing) => this.#onTyping(typing));
  }

  show(room: string): void {
    this.setTyping(false);
    this.#room = room;
    this.#draw();
  }

  /** This user is typing in the room that is shown, or has stopped. */
  setTyping(isTyping: boolean): void {
    clearTimeout(this.#idleTimer);
    if (isTyping) this.#idleTimer = window.setTimeout(() => this.setTyping(false), IDLE_AFTER_MS);
    const now = performance.now();
    const isRecent = this.#notifiedAt !== undefined && now - this.#notifiedAt < REPEAT_AFTER_MS;
    if (isTyping ? isRecent : this.#notifiedAt === undefined) return;
    this.#notifiedAt = isTyping ? now : undefined;
    if (this.#client.username !== undefined) this.#client.setTyping(this.#room, isTyping);
  }

  /** The user has stopped typing there, e.g. by sending a message. */
  onStopped(room: string, username: string): void {
    this.#forget(room, username);
    this.#draw();
  }

  #onTyping({ username, chatRoom: { name: room }, isTyping }: TypingInformation): void {
    this.#forget(room, username);
    if (isTyping && username !== this.#client.username) {
      const people = this.#typing.get(room) ?? new Map<string, number>();
      this.#typing.set(room, people);
      people.set(
        username,
        window.setTimeout(() => this.onStopped(room, username), EXPIRE_AFTER_MS),
      );
    }
    this.#draw();
  }

  #forget(room: string, username: string): void {
    const people = this.#typing.get(room);
    clearTimeout(people?.get(username));
    people?.delete(username);
    if (people?.size === 0) this.#typing.delete(room);
  }

  #draw(): void {
    this.#line.replaceChildren(...sentence([...(this.#typing.get(this.#room)?.keys() ?? [])]));
  }
}

/** Names are isolated with `bdi`: some change the direction of the text that follows. */
function sentence(names: string[]): (Node | string)[] {
  const [first = "", second = ""] = names.map((name) => el("bdi", {}, name));
  if (names.length === 0) return [];
  if (names.length === 1) return [first, " is typing…"];
  if (names.length === 2) return [first, " and ", second, " are typing…"];
  const others = names.length - 2;
  return [first, ", ", second, ` and ${String(others)} other${others === 1 ? "" : "s"} are typing…`];
}
