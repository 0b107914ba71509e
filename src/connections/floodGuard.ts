import { FixedWindow } from "../observability/fixedWindow";
import { terminate, webSocketOf, type Connection, type EnginePacket } from "./engine";

/** Strikes within `STRIKE_WINDOW_MS` that end a connection. One stands for some 3 µs of processor time. */
export const MAX_STRIKES = 1_650;
const STRIKE_WINDOW_MS = 10_000;
const REFUSAL_STRIKES = 3; // of an event, or of a CONNECT to another namespace
const MIN_EVENT_LENGTH = 60; // a shorter event has no room for the fields that each event must have
const PARTS_PER_STRIKE = 10; // parts of JSON; a valid event has 12 at most
const MAX_PARTS_STRIKES = 1_000; // so that one such packet, if it is the only one, is answered
const SHORT_PACKET_LENGTH = 512; // a shorter packet costs little, whatever its JSON
const [QUOTE, BACKSLASH, COMMA, LIST, OBJECT] = Buffer.from('"\\,[{');
const SOCKET_IO_EVENT = /^[25]/; // the packet types EVENT and BINARY_EVENT
const CONNECT_ELSEWHERE = /^0\/(?!,)/;
const NAMESPACE = /^(?:[56][^-"]*-|.)\/[^,]*/; // and what comes before it

/**
 * Terminates connections that flood the server with useless packets: 1,650 strikes within 10 s. A packet that is no
 * event, an event too short to be valid, a websocket ping or pong, and an upgrade probe are one strike each, a refused
 * event or namespace is three, and JSON of many parts, which is slow to parse and to check, one per 10 parts.
 * Packets are counted before they are decoded, because one read of a websocket can hold 8,000 of them, and one polling
 * request 30,000; once the connection is closed, no further one is decoded.
 */
export class FloodGuard {
  readonly #strikes = new FixedWindow<Connection>(STRIKE_WINDOW_MS);
  readonly #onFlood: (conn: Connection) => void;

  /** `onFlood` is called once per connection, before it is terminated. */
  constructor(onFlood: (conn: Connection) => void) {
    this.#onFlood = onFlood;
  }

  /** Counts strikes for every useless packet. Refused events are reported with `onEventRefused`. */
  watch(conn: Connection): void {
    const strike = () => this.#strike(conn, 1);
    conn.on("packet", ({ type, data }: EnginePacket) => {
      const strikes = type === "message" && typeof data === "string" ? strikesOf(data) : 1;
      if (strikes > 0) this.#strike(conn, strikes);
    });
    const watchControlFrames = () => webSocketOf(conn)?.on("ping", strike).on("pong", strike);
    watchControlFrames();
    conn.on("upgrade", watchControlFrames);
    conn.on("upgrading", strike); // once per probe of a websocket that is not the transport yet
    conn.once("close", () => this.#strikes.forget(conn));
  }

  /** The event of the connection was unknown or over its rate limit. */
  onEventRefused(conn: Connection): void {
    this.#strike(conn, REFUSAL_STRIKES);
  }

  #strike(conn: Connection, strikes: number): void {
    if (conn.readyState === "closed") return;
    const count = this.#strikes.count(conn, strikes);
    if (count < MAX_STRIKES || count - strikes >= MAX_STRIKES) return;
    this.#onFlood(conn);
    conn.close(true); // at once: a terminated websocket closes in a later turn, and first emits what it has read
    terminate(conn);
  }
}

/** Takes some 1 µs per KB, a fraction of parsing. */
function strikesOf(packet: string): number {
  const forParts = Math.min(Math.floor(jsonPartsOf(packet) / PARTS_PER_STRIKE), MAX_PARTS_STRIKES);
  if (SOCKET_IO_EVENT.test(packet)) return packet.length < MIN_EVENT_LENGTH ? 1 : forParts;
  return forParts + (CONNECT_ELSEWHERE.test(packet) ? REFUSAL_STRIKES : 1);
}

/** Returns the number of lists, objects and commas in the JSON of a packet, those in strings left out. */
function jsonPartsOf(packet: string): number {
  if (packet.length < SHORT_PACKET_LENGTH) return 0;
  let parts = 0;
  let isInString = false;
  for (let i = NAMESPACE.exec(packet)?.[0].length ?? 0; i < packet.length; i += 1) {
    const code = packet.charCodeAt(i);
    if (code === QUOTE) isInString = !isInString;
    else if (code === BACKSLASH) i += 1;
    else if (!isInString && (code === COMMA || code === LIST || code === OBJECT)) parts += 1;
  }
  return parts;
}
