type Listener<T> = (payload: T) => void;

/**
 * An event emitter; `Events` maps each event's name to its payload. Written by hand because the usual ones stop at the
 * first listener that throws.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Adds a listener; adding the same one twice has no effect. */
  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): this {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return this;
  }

  off<E extends keyof Events>(event: E, listener: Listener<Events[E]>): this {
    const listeners = this.#listeners.get(event);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(event);
    return this;
  }

  /** A listener that throws stops neither the others nor the caller; its error is uncaught, as in the DOM. */
  protected emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as Listener<Events[E]>)(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
