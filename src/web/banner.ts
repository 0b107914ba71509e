import type { ChatStatus } from "../client/chatClient";
import { byId, showText } from "./dom";

const SHOW_CONNECTING_AFTER_MS = 800;
const BACK_ONLINE_MS = 5_000;

/** A thin line with the state of the connection; hidden while the client is online. */
export class Banner {
  readonly #banner = byId("banner");
  #wasLost = false;
  #timer = 0;

  constructor() {
    this.#later(SHOW_CONNECTING_AFTER_MS, () => this.#show("Connecting…"));
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
      this.#later(BACK_ONLINE_MS, () => this.#show(undefined));
    } else if (state === "online" && this.#banner.dataset.kind !== "back") {
      this.#show(undefined);
    }
  }

  #show(text: string | undefined, kind = ""): void {
    clearTimeout(this.#timer);
    this.#banner.dataset.kind = kind;
    showText(this.#banner, text);
  }

  #later(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(act, delayMs);
  }
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${String(count)} messages`;
}
