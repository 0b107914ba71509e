import { FIXED_LIMITS } from "./limits";
import { terminate, webSocketOf, type Connection, type EnginePacket } from "./engine";

const SOCKET_IO_EVENT = /^[25]/; // the packet types EVENT and BINARY_EVENT

/**
 * Closes connections that send what nobody needs: each refused event, each packet that is no event, each
 * websocket ping or pong is a strike, and 2,000 within 10 s are too many. Counting is synchronous because one polling
 * request can carry 30,000 packets, all decoded in one go; a closed connection decodes no further event.
 */
export class FloodGuard {
  /** connection → strikes in the window that began at `since` (ms) */
  readonly #strikes = new WeakMap<Connection, { count: number; since: number }>();
  readonly #onFlood: (conn: Connection) => void;

  constructor(onFlood: (conn: Connection) => void) {
    this.#onFlood = onFlood;
  }

  watch(conn: Connection): void {
    conn.on("packet", ({ type, data }: EnginePacket) => {
      const isEvent = type === "message" && typeof data === "string" && SOCKET_IO_EVENT.test(data);
      if (!isEvent) this.strike(conn);
    });
    const strike = () => this.strike(conn);
    const countControlFrames = () => webSocketOf(conn)?.on("ping", strike).on("pong", strike);
    countControlFrames();
    conn.on("upgrade", countControlFrames);
    conn.on("upgrading", strike); // each probe of a websocket that is not yet the transport
  }

  strike(conn: Connection): void {
    const now = performance.now();
    const strikes = this.#strikes.get(conn);
    if (strikes === undefined || now - strikes.since > FIXED_LIMITS.strikeWindow) {
      this.#strikes.set(conn, { count: 1, since: now });
      return;
    }
    strikes.count += 1;
    if (strikes.count !== FIXED_LIMITS.strikes) return;
    this.#onFlood(conn);
    terminate(conn);
  }
}
