import { MAX_USERNAME_LENGTH } from "../protocol/limits";
import { byId, showText } from "./dom";

export interface Answers {
  name: string;
  /** Only if the dialog asked for one. */
  token: string | undefined;
}

/** The dialog that asks for a name, and for a token if needed. The rooms stay visible behind it. */
export class Welcome {
  readonly #dialog = byId<HTMLDialogElement>("welcome");
  readonly #name = byId<HTMLInputElement>("name");
  readonly #token = byId<HTMLInputElement>("token");
  readonly #note = byId("welcome-note");
  readonly #cancel = byId<HTMLButtonElement>("welcome-cancel");
  #onAnswers: (answers: Answers) => void = () => {};

  constructor() {
    byId("welcome-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#cancel.addEventListener("click", () => this.#dialog.close());
    // Without a name the chat cannot begin, so Escape must not close the dialog.
    this.#dialog.addEventListener("cancel", (event) => {
      if (this.#cancel.hidden) event.preventDefault();
    });
  }

  ask(
    name: string,
    { token = false, canCancel = false, note }: { token?: boolean; canCancel?: boolean; note?: string },
    onAnswers: (answers: Answers) => void,
  ): void {
    this.#onAnswers = onAnswers;
    this.#name.value = name;
    this.#cancel.hidden = !canCancel;
    byId("token-field").hidden = !token;
    showText(this.#note, note);
    if (!this.#dialog.open) this.#dialog.showModal();
    (token && name !== "" ? this.#token : this.#name).focus();
  }

  #submit(): void {
    const name = this.#name.value.trim();
    const isTooLong = [...name].length > MAX_USERNAME_LENGTH;
    showText(
      this.#note,
      name === "" ? "A name needs a letter at least." : isTooLong ? "That name is too long." : undefined,
    );
    if (name === "" || isTooLong) return;
    this.#dialog.close();
    this.#onAnswers({ name, token: this.#token.value.trim() || undefined });
  }
}
