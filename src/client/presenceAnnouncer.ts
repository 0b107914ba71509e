import type { NewPresenceInformation } from "../protocol/payloads";
import { backoffMs, type Backoff } from "./backoff";
import type { ChatClientError } from "./chatClientError";

const TOO_MANY_REQUESTS = 429;

/**
 * Announces where the client is, on every connection: the server forgets it with the connection. Sends without a
 * callback, because the ack would carry the full list of users, which the client keeps by difference already.
 */
export class PresenceAnnouncer {
  readonly #send: (presence: NewPresenceInformation) => void;
  readonly #backoff: Backoff;
  #announced: NewPresenceInformation | undefined;
  #isOnline = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (presence: NewPresenceInformation) => void, backoff: Backoff) {
    this.#send = send;
    this.#backoff = backoff;
  }

  announce(presence: NewPresenceInformation): void {
    this.#announced = presence;
    this.#failures = 0;
    this.#sendNow();
  }

  rename(username: string): void {
    if (this.#announced !== undefined) this.announce({ ...this.#announced, username });
  }

  resume(): void {
    this.#isOnline = true;
    if (this.#announced !== undefined) this.announce(this.#announced);
  }

  pause(): void {
    this.#isOnline = false;
    clearTimeout(this.#timer);
  }

  /** The server refused an event without an ack, and does not say which. It may have been this one: send it again. */
  onRefusal({ status }: ChatClientError): void {
    if (status !== TOO_MANY_REQUESTS) return;
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendNow(), backoffMs(this.#backoff, this.#failures));
  }

  #sendNow(): void {
    clearTimeout(this.#timer);
    if (this.#isOnline && this.#announced !== undefined) this.#send(this.#announced);
  }
}
