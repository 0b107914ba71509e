import type { NewPresenceInformation } from "../protocol/payloads";
import { retryDelay, type Backoff } from "./backoff";
import type { ChatClientError } from "./chatClientError";

const TOO_MANY_REQUESTS = 429;

/**
 * Where the client is, as announced last; the server forgets it with every connection. Sent without a callback: the
 * answer would be a list of everybody, which whoever gets presence by difference has no need of.
 */
export class Presence {
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
    this.#tell();
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

  /** The server refused an event of which it does not say which one. If it may have been this, it is sent again. */
  refused({ status }: ChatClientError): void {
    if (status !== TOO_MANY_REQUESTS) return;
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), retryDelay(this.#backoff, this.#failures));
  }

  close(): void {
    this.pause();
    this.#announced = undefined;
  }

  #tell(): void {
    clearTimeout(this.#timer);
    if (this.#isOnline && this.#announced !== undefined) this.#send(this.#announced);
  }
}
