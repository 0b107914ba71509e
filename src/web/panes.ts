import { byId } from "./dom";

type Pane = "rooms" | "conversation" | "people";

/** Selects the pane in front where not all three fit: on phones, and for the list of people on tablets. */
export class Panes {
  readonly #wide = matchMedia("(min-width: 720px)");
  readonly #peopleOpen = byId("people-open");
  readonly #roomsOpen = byId("rooms-open");

  constructor() {
    this.#openWith("rooms-open", "rooms", "rooms-close");
    this.#openWith("people-open", "people", "people-close");
    byId("rooms-close").addEventListener("click", () => this.#close(this.#roomsOpen));
    byId("people-close").addEventListener("click", () => this.#close(this.#peopleOpen));
    // The link of the room that is shown does not change the address, but must lead back as well.
    byId("room-list").addEventListener("click", () => this.toConversation());
    document.addEventListener("keydown", ({ key }) => {
      const { pane } = document.body.dataset;
      if (key === "Escape" && pane !== "conversation")
        this.#close(pane === "rooms" ? this.#roomsOpen : this.#peopleOpen);
    });
  }

  get isWide(): boolean {
    return this.#wide.matches;
  }

  toConversation(): void {
    this.#show("conversation");
  }

  #openWith(button: string, pane: Pane, focus: string): void {
    byId(button).addEventListener("click", () => {
      const isOpen = document.body.dataset.pane === pane;
      this.#show(isOpen ? "conversation" : pane);
      if (!isOpen) byId(focus).focus();
    });
  }

  #close(opener: HTMLElement): void {
    this.#show("conversation");
    opener.focus();
  }

  #show(pane: Pane): void {
    document.body.dataset.pane = pane;
    this.#peopleOpen.setAttribute("aria-expanded", String(pane === "people"));
    this.#roomsOpen.setAttribute("aria-expanded", String(pane === "rooms"));
  }
}
