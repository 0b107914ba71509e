import { StoreError } from "../messageLog";

const PAUSE_MS = 500; // a full disk does not become writable faster

export interface StorePauseDeps {
  /** Whether appends are waiting for their commit. */
  isWriting: () => boolean;
  /** Undoes what the failed writes left behind. Called once per pause, before the first append after it. */
  rollBack: () => void;
  /** Monotonic clock, ms. */
  now?: () => number;
}

/**
 * The pause after a failed write. It lasts 500 ms, and in any case until no write is under way: commits that
 * began before the failure may still succeed, and only then is it certain which messages are stored.
 */
export class StorePause {
  static readonly REASON = "the store has just failed";
  readonly #isWriting: () => boolean;
  readonly #rollBack: () => void;
  readonly #now: () => number;
  #failedAtMs: number | undefined;

  constructor({ isWriting, rollBack, now = () => performance.now() }: StorePauseDeps) {
    this.#isWriting = isWriting;
    this.#rollBack = rollBack;
    this.#now = now;
  }

  get isActive(): boolean {
    return this.#failedAtMs !== undefined && (this.#isWriting() || this.#now() - this.#failedAtMs < PAUSE_MS);
  }

  /** Begins the pause, or prolongs it. */
  onFailedWrite(): void {
    this.#failedAtMs = this.#now();
  }

  /** Call before each append. Throws a StoreError during the pause; rolls back once it is over. */
  throwIfActive(): void {
    if (this.#failedAtMs === undefined) return;
    if (this.isActive) throw new StoreError(StorePause.REASON);
    this.#failedAtMs = undefined;
    this.#rollBack();
  }
}
