import { FixedWindow } from "../observability/fixedWindow";
import { terminate, webSocketOf, type Connection, type EnginePacket } from "./engine";

/** Strikes within `STRIKE_WINDOW_MS` that end a connection. */
export const MAX_STRIKES = 2_000;
const STRIKE_WINDOW_MS = 10_000;
const SOCKET_IO_EVENT = /^[25]/; // the packet types EVENT and BINARY_EVENT

/**
 * Terminates connections that flood the server with useless packets: 2,000 strikes within 10 s. A strike is a refused
 * event, a packet that is no event, a websocket ping or pong, or an upgrade probe. Strikes are counted synchronously,
 * because one polling request can carry 30,000 packets; once the connection is closed, no further one is decoded.
 */
export class FloodGuard {
  readonly #strikes = new FixedWindow<Connection>(STRIKE_WINDOW_MS);
  readonly #onFlood: (conn: Connection) => void;

  /** `onFlood` is called once per connection, before it is terminated. */
  constructor(onFlood: (conn: Connection) => void) {
    this.#onFlood = onFlood;
  }

  /** Counts a strike for every useless packet. Refused events are reported with `strike`. */
  watch(conn: Connection): void {
    const strike = () => this.strike(conn);
    conn.on("packet", ({ type, data }: EnginePacket) => {
      const isEvent = type === "message" && typeof data === "string" && SOCKET_IO_EVENT.test(data);
      if (!isEvent) strike();
    });
    const watchControlFrames = () => webSocketOf(conn)?.on("ping", strike).on("pong", strike);
    watchControlFrames();
    conn.on("upgrade", watchControlFrames);
    conn.on("upgrading", strike); // once per probe of a websocket that is not the transport yet
    conn.once("close", () => this.#strikes.forget(conn));
  }

  /** Counts a refused or useless packet, and terminates the connection when there were too many. */
  strike(conn: Connection): void {
    if (this.#strikes.count(conn) !== MAX_STRIKES) return;
    this.#onFlood(conn);
    terminate(conn);
  }
}
