import type { HistoricalMessage, MessageReceipt } from "../protocol/events";
import type { NewMessage } from "../protocol/payloads";
import { backoffMs, type RetryPolicy } from "./backoff";
import { toClientError, type ChatClientError } from "./chatClientError";

interface QueuedMessage {
  message: NewMessage;
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: ChatClientError) => void;
  failures: number;
  /** Known without an ack, because the message itself was received. */
  receipt?: MessageReceipt;
}

/**
 * The unanswered messages of one room. One is in flight at a time; the next is sent when the server has stored or refused
 * it. A message that fails for a retryable reason is sent again, unchanged, until it is answered.
 */
export class Lane {
  readonly #send: (message: NewMessage) => Promise<MessageReceipt>;
  readonly #retries: RetryPolicy;
  #queue: QueuedMessage[] = [];
  #isOpen = false;
  #isInFlight = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` must settle, also after a lost connection. */
  constructor(send: (message: NewMessage) => Promise<MessageReceipt>, retries: RetryPolicy) {
    this.#send = send;
    this.#retries = retries;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Resolves when the message is stored; rejects with the refusal, or with the error that `close` is given. */
  push(message: NewMessage): Promise<MessageReceipt> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject, failures: 0 });
      this.#sendNext();
    });
  }

  /** The connection is up. A message that waits for its next try is sent at once. */
  open(): void {
    this.#isOpen = true;
    this.#cancelRetry();
    this.#sendNext();
  }

  /** Sends nothing more until `open`. */
  pause(): void {
    this.#isOpen = false;
  }

  /**
   * Takes a received message as proof that the first queued one is stored, if it is the same. The receipt made from it
   * is used if the ack never arrives.
   */
  acknowledge({ uuid, username, serverTimestamp, offset }: HistoricalMessage): void {
    const [head] = this.#queue;
    if (head?.message.uuid !== uuid || head.message.username !== username) return;
    const receipt = { uuid, serverTimestamp, offset, duplicate: true };
    head.receipt = receipt;
    if (!this.#isInFlight) this.#settle(() => head.resolve(receipt));
  }

  /** Rejects every message. */
  close(error: ChatClientError): void {
    this.pause();
    this.#cancelRetry();
    const queue = this.#queue;
    this.#queue = [];
    for (const { reject } of queue) reject(error);
  }

  #sendNext(): void {
    const [head] = this.#queue;
    if (!this.#isOpen || head === undefined || this.#isInFlight || this.#timer !== undefined) return;
    this.#isInFlight = true;
    this.#send(head.message).then(
      (receipt) => this.#settle(() => head.resolve(receipt)),
      (thrown: unknown) => this.#onFailed(head, toClientError(thrown)),
    );
  }

  #onFailed(head: QueuedMessage, error: ChatClientError): void {
    const { receipt } = head;
    if (receipt !== undefined) return this.#settle(() => head.resolve(receipt));
    if (!this.#retries.isRetryable(error)) return this.#settle(() => head.reject(error));
    this.#isInFlight = false;
    if (this.#queue[0] !== head) return; // the lane was closed
    head.failures += 1;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#sendNext();
      },
      backoffMs(this.#retries, head.failures),
    );
  }

  /** Removes the first message, if `close` has not done so already. */
  #settle(notify: () => void): void {
    this.#isInFlight = false;
    this.#cancelRetry();
    this.#queue.shift();
    notify();
    this.#sendNext();
  }

  #cancelRetry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
