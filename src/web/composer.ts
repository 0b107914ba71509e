import { MAX_MESSAGE_LENGTH } from "../protocol/limits";
import { byId, showText } from "./dom";
import { isTextMap, load, save } from "./storage";

const STORAGE_KEY = "drafts"; // room → text
const SHOW_LEFT_FROM = 3_800; // code points
const COMPOSING_KEY_CODE = 229; // the key code of keys that an input method consumes

export interface ComposerOptions {
  send: (message: string) => void;
  /** The user is writing, or the field is empty again. */
  onTyping: (isTyping: boolean) => void;
}

/** The field in which messages are written. It keeps one draft per room, also across a reload. */
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
      // While an input method is composing, Enter belongs to it. Safari shows this only by the key code.
      const isComposing = event.isComposing || event.keyCode === COMPOSING_KEY_CODE;
      if (event.key !== "Enter" || event.shiftKey || isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  show(room: string, label: string): void {
    const early = this.#room === "" ? this.#text.value : ""; // written before the rooms were loaded
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
    save(STORAGE_KEY, value === "" ? others : { ...others, [this.#room]: value });
  }

  #update(): void {
    const text = this.#text;
    text.style.height = "auto";
    text.style.height = `${String(text.scrollHeight)}px`;
    const length = lengthOf(text.value.trim());
    const left = MAX_MESSAGE_LENGTH - length;
    showText(this.#left, length > SHOW_LEFT_FROM ? `${String(left)} left` : undefined);
    this.#left.classList.toggle("over", left < 0);
    this.#send.disabled = length === 0 || left < 0;
  }
}

function drafts(): Record<string, string> {
  return load(STORAGE_KEY, isTextMap, {});
}

function lengthOf(text: string): number {
  return [...text].length;
}
