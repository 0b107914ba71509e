import { closed, type Connection } from "../connections/engine";
import type { StoredMessage } from "../messageLog/messageLog";
import { Batch } from "./batch";
import type { Packet } from "./packet";

const MAX_WRITE_CHARS = 64 * 1024; // after this many characters a write ends
const MAX_UNTAKEN_CHARS = 256 * 1024; // above this, a replay waits until the client has taken all

/** Writes stored messages to one client, no faster than the client takes them. */
export class ReplayWriter {
  readonly #conn: Connection;
  readonly #encode: (message: StoredMessage) => Packet;
  readonly #onWritten: (messages: number) => void;
  readonly #closed: Promise<void>;
  #untakenChars = 0; // written since the client last had taken everything

  constructor(
    conn: Connection,
    encode: (message: StoredMessage) => Packet,
    onWritten: (messages: number) => void,
  ) {
    this.#conn = conn;
    this.#encode = encode;
    this.#onWritten = onWritten;
    this.#closed = closed(conn);
  }

  /**
   * Writes the messages and empties the array as it goes, so that written messages do not stay in memory while
   * the client reads. Resolves with false when the connection has closed.
   *
   * It waits for the client between two writes, but not after the last one: meanwhile new messages would
   * arrive, and under steady traffic a replay would never end.
   */
  async write(messages: StoredMessage[]): Promise<boolean> {
    while (messages.length > 0) {
      const packets: Packet[] = [];
      let chars = 0;
      for (let next; chars < MAX_WRITE_CHARS && (next = messages.shift()) !== undefined;) {
        const packet = this.#encode(next);
        packets.push(packet);
        chars += packet.length;
      }
      await this.#writeBatch(packets, chars, messages.length > 0);
      if (this.#conn.readyState !== "open") return false;
    }
    return true;
  }

  async #writeBatch(packets: Packet[], chars: number, isMoreToCome: boolean): Promise<void> {
    const taken = new Promise<void>((resolve) => new Batch(packets).writeTo(this.#conn, resolve));
    this.#onWritten(packets.length);
    this.#untakenChars += chars;
    if (!isMoreToCome && this.#untakenChars <= MAX_UNTAKEN_CHARS) return;
    await Promise.race([taken, this.#closed]);
    this.#untakenChars = 0;
  }
}
