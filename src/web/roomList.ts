import type { ChatRoom } from "../client/chatClient";
import { byId, el, showText } from "./dom";

const MAX_COUNT = 99; // more is shown as "99+"

interface Item {
  link: HTMLAnchorElement;
  badge: HTMLElement;
  badgeNote: HTMLElement;
  people: HTMLElement;
}

/** The list of rooms, with unread messages and number of people. Each is a link, so that a room has an address. */
export class RoomList {
  readonly #items = new Map<string, Item>();

  constructor(rooms: readonly ChatRoom[]) {
    const items = rooms.map(({ name, label }) => {
      const badge = el("span", { class: "badge", "aria-hidden": "true", hidden: "" });
      const badgeNote = el("span", { class: "visually-hidden", hidden: "" });
      const people = el("span", { class: "count", hidden: "" });
      const link = el(
        "a",
        { href: `#${name}` },
        el("bdi", { class: "label" }, label),
        badge,
        badgeNote,
        people,
      );
      this.#items.set(name, { link, badge, badgeNote, people });
      return el("li", {}, link);
    });
    byId("room-list").replaceChildren(...items);
  }

  select(room: string): void {
    for (const [name, { link }] of this.#items) {
      if (name === room) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  setUnread(room: string, unread: number): void {
    const item = this.#items.get(room);
    if (item === undefined) return;
    const count = unread > MAX_COUNT ? `${String(MAX_COUNT)}+` : String(unread);
    showText(item.badge, unread > 0 ? count : undefined);
    showText(item.badgeNote, unread > 0 ? `, ${count} unread` : undefined);
  }

  setPeople(room: string, people: number): void {
    const item = this.#items.get(room);
    if (item === undefined) return;
    showText(item.people, people > 0 ? String(people) : undefined);
    item.people.title = people === 1 ? "1 person" : `${String(people)} people`;
    item.people.setAttribute("aria-label", item.people.title);
  }
}
