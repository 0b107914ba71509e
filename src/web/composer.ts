import { MAX_MESSAGE_LENGTH } from "../protocol/limits";
import { byId, showText } from "./dom";
import { isTexts, load, save } from "./storage";

const DRAFTS = "drafts";
const WARN_FROM = 3_800;
const COMPOSING = 229; // the key code of keys that an input method takes

export interface ComposerOptions {
  send: (message: string) => void;
  /** The person is writing, or has an empty field again. */
  onTyping: (isTyping: boolean) => void;
}

/** Where messages are written; what is begun in a room stays there, also across a reload. */
export class Composer {
  readonly #options: ComposerOptions;
  readonly #text = byId<HTMLTextAreaElement>("text");
  readonly #left = byId("left");
  readonly #send = byId<HTMLButtonElement>("send");
  #room = "";

  constructor(options: ComposerOptions) {
    this.#options = options;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener("input", () => {
      this.#saveDraft();
      this.#update();
      this.#options.onTyping(this.#text.value.trim() !== "");
    });
    this.#text.addEventListener("keydown", (event) => {
      // While an input method is composing, Enter is its own; Safari says so by the number alone.
      const isComposing = event.isComposing || event.keyCode === COMPOSING;
      if (event.key !== "Enter" || event.shiftKey || isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  show(room: string, label: string): void {
    const early = this.#room === "" ? this.#text.value : ""; // written while the rooms were being read
    this.#room = room;
    this.#text.value = early === "" ? (drafts()[room] ?? "") : early;
    if (early !== "") this.#saveDraft();
    this.#text.placeholder = `Message ${label}`;
    this.#update();
  }

  focus(): void {
    this.#text.focus();
  }

  #submit(): void {
    const message = this.#text.value.trim();
    if (message === "" || lengthOf(message) > MAX_MESSAGE_LENGTH) return;
    this.#text.value = "";
    this.#saveDraft();
    this.#update();
    this.#options.onTyping(false);
    this.#options.send(message);
    this.#text.focus();
  }

  #saveDraft(): void {
    const { [this.#room]: _, ...others } = drafts();
    void _;
    const { value } = this.#text;
    save(DRAFTS, value === "" ? others : { ...others, [this.#room]: value });
  }

  #update(): void {
    const text = this.#text;
    text.style.height = "auto";
    text.style.height = `${String(text.scrollHeight)}px`;
    const length = lengthOf(text.value.trim());
    const left = MAX_MESSAGE_LENGTH - length;
    showText(this.#left, length > WARN_FROM ? `${String(left)} left` : undefined);
    this.#left.classList.toggle("over", left < 0);
    this.#send.disabled = length === 0 || left < 0;
  }
}

function drafts(): Record<string, string> {
  return load(DRAFTS, isTexts, {});
}

function lengthOf(text: string): number {
  return [...text].length;
}
