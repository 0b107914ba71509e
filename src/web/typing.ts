import type { ChatClient, TypingInformation } from "../client/chatClient";
import { byId, el } from "./dom";

const AGAIN = 3_000; // ms after which "is typing" is said again
const IDLE = 5_000; // ms without a key after which somebody is not typing any more
const EXPIRY = 8_000; // ms after which who was said to be typing is not, for the news of it can be lost

/** Tells others that this person is typing, and shows who else is. */
export class Typing {
  readonly #client: ChatClient;
  readonly #line = byId("typing");
  /** room → who is typing there → what forgets it */
  readonly #typing = new Map<string, Map<string, number>>();
  #room = "";
  #saidAt = 0;
  #idle = 0;

  constructor(client: ChatClient) {
    this.#client = client;
    client.on("typing", (typing) => this.#heard(typing));
  }

  show(room: string): void {
    this.said(false);
    this.#room = room;
    this.#draw();
  }

  /** This person is typing in the room that is shown, or has stopped. */
  said(isTyping: boolean): void {
    clearTimeout(this.#idle);
    if (isTyping) this.#idle = window.setTimeout(() => this.said(false), IDLE);
    const now = Date.now();
    if (isTyping ? now - this.#saidAt < AGAIN : this.#saidAt === 0) return;
    this.#saidAt = isTyping ? now : 0;
    if (this.#client.username !== undefined) this.#client.setTyping(this.#room, isTyping);
  }

  /** Who has sent something has stopped typing it. */
  stopped(room: string, username: string): void {
    this.#forget(room, username);
    this.#draw();
  }

  #heard({ username, chatRoom: { name: room }, isTyping }: TypingInformation): void {
    this.#forget(room, username);
    if (isTyping && username !== this.#client.username) {
      const people = this.#typing.get(room) ?? new Map<string, number>();
      this.#typing.set(room, people);
      people.set(username, window.setTimeout(() => this.stopped(room, username), EXPIRY)); // prettier-ignore
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

/** Names stand apart from the text around them: some turn the direction of what follows. */
function sentence(names: string[]): (Node | string)[] {
  const [first = "", second = ""] = names.map((name) => el("bdi", {}, name));
  if (names.length === 0) return [];
  if (names.length === 1) return [first, " is typing…"];
  if (names.length === 2) return [first, " and ", second, " are typing…"];
  const others = names.length - 2;
  return [first, ", ", second, ` and ${String(others)} other${others === 1 ? "" : "s"} are typing…`];
}
