import { EVENTS, type PresenceInformation } from "../protocol/events";
import type { NewPresenceInformation } from "../protocol/payloads";
import type { Backoff } from "./backoff";
import type { ChatClientError } from "./chatClientError";
import type { Ask } from "./connection";
import { Lane } from "./lane";

/** Where the client is, as announced last; the server forgets it with every connection. */
export class Presence {
  readonly #lane: Lane<NewPresenceInformation, PresenceInformation>;
  readonly #onRefused: (error: ChatClientError) => void;
  #announced: NewPresenceInformation | undefined;

  constructor(ask: Ask, backoff: Backoff, onRefused: (error: ChatClientError) => void) {
    this.#lane = new Lane((presence) => ask(EVENTS.newPresenceInformation, presence), backoff);
    this.#onRefused = onRefused;
  }

  announce(presence: NewPresenceInformation): void {
    this.#announced = presence;
    // The answer is of no interest: the event reaches its sender too. It is asked for to know of a refusal.
    this.#lane.replace({ payload: presence, resolve: () => undefined, reject: this.#onRefused });
  }

  rename(username: string): void {
    if (this.#announced !== undefined) this.announce({ ...this.#announced, username });
  }

  resume(): void {
    if (this.#announced !== undefined) this.announce(this.#announced);
    this.#lane.open();
  }

  pause(): void {
    this.#lane.pause();
  }

  close(error: ChatClientError): void {
    this.#announced = undefined;
    this.#lane.close(error);
  }
}
