/** The rooms that a client may read and write: every room of the server, or those that its token names. */
export class RoomScope {
  static readonly ALL = new RoomScope(undefined);

  /** `names`: room names; undefined: every room. */
  private constructor(readonly names: ReadonlySet<string> | undefined) {}

  static of(names: Iterable<string>): RoomScope {
    return new RoomScope(new Set(names));
  }

  includes(room: string): boolean {
    return this.names?.has(room) ?? true;
  }

  /** The same text for scopes that list the same rooms in the same order. */
  get key(): string {
    return this.names === undefined ? "*" : JSON.stringify([...this.names]);
  }
}
