import type { PresentUser } from "../client/chatClient";
import { avatar } from "./avatar";
import { byId, el } from "./dom";
import { nameView } from "./nameView";

const MAX_SHOWN = 500; // names; a longer list is slow to draw and useless to read

/** The people of the room that is shown. */
export class People {
  readonly #list = byId("people-list");
  readonly #count = byId("people-count");
  readonly #total = byId("people-total");

  show(users: readonly PresentUser[], me: string): void {
    this.#count.textContent = String(users.length);
    this.#total.textContent = String(users.length);
    const items = users.slice(0, MAX_SHOWN).map(({ username, avatar: picture }) => {
      return el("li", {}, avatar(username, picture), ...nameView(username, username === me));
    });
    const more = users.length - MAX_SHOWN;
    if (more > 0) items.push(el("li", { class: "more" }, `and ${String(more)} more`));
    this.#list.replaceChildren(...items);
  }
}
