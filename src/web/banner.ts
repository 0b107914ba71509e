import type { ChatStatus } from "../client/chatClient";
import { byId, showText } from "./dom";

const PATIENCE = 800; // ms of connecting that are not worth a word
const WELCOME_BACK = 5_000; // ms

/** How the connection is, in a thin line; nothing while all is well. */
export class Banner {
  readonly #banner = byId("banner");
  #wasLost = false;
  #timer = 0;

  constructor() {
    this.#later(PATIENCE, () => this.#show("Connecting…"));
  }

  update({ state, recovered, recovering }: ChatStatus): void {
    if (state === "offline") {
      this.#wasLost = true;
      this.#show("You are offline. What you write waits here.", "offline");
    } else if (state === "online" && recovering.length > 0) {
      this.#show("Catching up…");
    } else if (state === "online" && this.#wasLost) {
      this.#wasLost = false;
      this.#show(`Back online${recovered > 0 ? ` · ${messages(recovered)} recovered` : ""}`, "back");
      this.#later(WELCOME_BACK, () => this.#show(undefined));
    } else if (state === "online" && this.#banner.dataset.kind !== "back") {
      this.#show(undefined);
    }
  }

  #show(text: string | undefined, kind = ""): void {
    clearTimeout(this.#timer);
    this.#banner.dataset.kind = kind;
    showText(this.#banner, text);
  }

  #later(delay: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(act, delay);
  }
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${String(count)} messages`;
}
