import type { PresentUser } from "../client/chatClient";
import { avatar } from "./avatar";
import { byId, el } from "./dom";
import { nameView } from "./nameView";

const SHOWN = 500; // names; a list of thousands is for nobody to read

/** The people of the room that is shown. */
export class People {
  readonly #list = byId("people-list");
  readonly #count = byId("people-count");
  readonly #total = byId("people-total");

  show(users: readonly PresentUser[], me: string): void {
    this.#count.textContent = String(users.length);
    this.#total.textContent = String(users.length);
    const items = users.slice(0, SHOWN).map(({ username, avatar: picture }) => {
      return el("li", {}, avatar(username, picture), ...nameView(username, username === me));
    });
    const more = users.length - SHOWN;
    if (more > 0) items.push(el("li", { class: "more" }, `and ${String(more)} more`));
    this.#list.replaceChildren(...items);
  }
}
