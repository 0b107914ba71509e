import { StoreError } from "../messageLog";

const PAUSE_MS = 500; // a full disk does not become writable faster

export interface StorePauseDeps {
  isWriting: () => boolean; // whether appends are waiting for their commit
  rollBack: () => void; // undoes what the failed writes left; called once per pause, before the next append
  now?: () => number; // monotonic clock, ms
}

/**
 * The pause after a failed write. It lasts 500 ms, and in any case until no write is under way: commits that began
 * before the failure may still succeed, and only then is it certain which messages are stored.
 */
export class StorePause {
  static readonly REASON = "a write failed; waiting before the next attempt";
  readonly #deps: Required<StorePauseDeps>;
  #failedAtMs: number | undefined;

  constructor(deps: StorePauseDeps) {
    this.#deps = { now: () => performance.now(), ...deps };
  }

  get isActive(): boolean {
    if (this.#failedAtMs === undefined) return false;
    return this.#deps.isWriting() || this.#deps.now() - this.#failedAtMs < PAUSE_MS;
  }

  onFailedWrite(): void {
    this.#failedAtMs = this.#deps.now();
  }

  /** Call before each append. Throws a StoreError during the pause; rolls back once it is over. */
  beginAppend(): void {
    if (this.isActive) throw new StoreError(StorePause.REASON);
    if (this.#failedAtMs !== undefined) this.#deps.rollBack();
    this.#failedAtMs = undefined;
  }
}
