import { retryDelay, type RetryPolicy } from "./backoff";
import { toClientError, type ChatClientError } from "./chatClientError";

export interface Request<Payload, Answer> {
  payload: Payload;
  resolve: (answer: Answer) => void;
  reject: (error: ChatClientError) => void;
}

/** A request under way. `known`: its answer, learnt from elsewhere. */
type Entry<Payload, Answer> = Request<Payload, Answer> & { failures: number; known?: Answer };

/**
 * Requests one after the other: the next is sent once the one before is answered, for good or ill. One that
 * fails for a reason that may pass is sent again, unchanged, for as long as it takes.
 */
export class Lane<Payload, Answer> {
  readonly #ask: (payload: Payload) => Promise<Answer>;
  readonly #retries: RetryPolicy;
  #entries: Entry<Payload, Answer>[] = [];
  #isOpen = false;
  #inFlight: Entry<Payload, Answer> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: (payload: Payload) => Promise<Answer>, retries: RetryPolicy) {
    this.#ask = ask;
    this.#retries = retries;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  push(request: Request<Payload, Answer>): void {
    this.#entries.push({ ...request, failures: 0 });
    this.#pump();
  }

  /** The server can be asked now; what waits for its next try is tried at once. */
  open(): void {
    this.#isOpen = true;
    this.#cancelRetry();
    this.#pump();
  }

  /** What is in flight gets its failure from whoever asks. */
  pause(): void {
    this.#isOpen = false;
  }

  /** The first request has succeeded, though its answer did not come; used unless that still does. */
  learn(isIt: (payload: Payload) => boolean, answer: Answer): void {
    const [head] = this.#entries;
    if (head === undefined || !isIt(head.payload)) return;
    head.known = answer;
    if (this.#inFlight === undefined) this.#settle(head, () => head.resolve(answer));
  }

  /** Rejects everything. */
  close(error: ChatClientError): void {
    this.pause();
    this.#cancelRetry();
    const entries = this.#entries;
    this.#entries = [];
    for (const { reject } of entries) reject(error);
  }

  #pump(): void {
    const [head] = this.#entries;
    if (!this.#isOpen || head === undefined || this.#inFlight !== undefined || this.#timer !== undefined)
      return;
    this.#inFlight = head;
    this.#ask(head.payload).then(
      (answer) => this.#settle(head, () => head.resolve(answer)),
      (thrown: unknown) => this.#onFailed(head, toClientError(thrown)),
    );
  }

  #onFailed(head: Entry<Payload, Answer>, error: ChatClientError): void {
    const { known } = head;
    if (known !== undefined) return this.#settle(head, () => head.resolve(known));
    if (!this.#retries.mayPass(error)) return this.#settle(head, () => head.reject(error));
    this.#inFlight = undefined;
    head.failures += 1;
    if (!this.#entries.includes(head)) return this.#pump();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump();
      },
      retryDelay(this.#retries, head.failures),
    );
  }

  #settle(head: Entry<Payload, Answer>, tell: () => void): void {
    if (this.#inFlight === head) this.#inFlight = undefined;
    this.#cancelRetry();
    const isWaitedFor = this.#entries[0] === head; // not any more once the lane was closed
    if (isWaitedFor) this.#entries.shift();
    if (isWaitedFor) tell();
    this.#pump();
  }

  #cancelRetry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
