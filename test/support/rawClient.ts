import { RawWebSocket } from "./rawWebSocket";
import { until } from "./until";

/** A Socket.IO client over one websocket, whose packets a test writes and reads as text. It answers no pings. */
export class RawClient {
  readonly #socket: RawWebSocket;

  private constructor(socket: RawWebSocket) {
    this.#socket = socket;
  }

  /** Opens a websocket and sends the CONNECT packet with this `auth`; does not wait for the answer. */
  static async open(url: string, auth?: object): Promise<RawClient> {
    const client = new RawClient(await RawWebSocket.open(url));
    client.send(`0${auth === undefined ? "" : JSON.stringify(auth)}`);
    return client;
  }

  /** As `open`; resolves once the CONNECT packet is answered. */
  static async connect(url: string, auth?: object): Promise<RawClient> {
    const client = await RawClient.open(url, auth);
    await until("the raw client is connected", () => client.frames.some((frame) => frame.startsWith("0")));
    return client;
  }

  get webSocket(): RawWebSocket["webSocket"] {
    return this.#socket.webSocket;
  }

  /** The Socket.IO packets that arrived so far, in order, without Engine.IO's leading `4`. */
  get frames(): string[] {
    return this.#socket.frames.filter((frame) => frame.startsWith("4")).map((frame) => frame.slice(1));
  }

  /** Sends Socket.IO packets, all in one write. */
  send(...packets: string[]): void {
    this.#socket.send(...packets.map((packet) => `4${packet}`));
  }

  /** The arguments of every arrival of the event so far. */
  received(event: string): unknown[][] {
    return this.frames
      .filter((frame) => frame.startsWith("2["))
      .map((frame) => JSON.parse(frame.slice(1)) as unknown[])
      .filter(([name]) => name === event)
      .map(([, ...args]) => args);
  }

  /** Ids of the acks that arrived, in order. */
  acks(): number[] {
    return this.frames.flatMap((frame) => {
      const [, id] = /^3(\d+)\[/.exec(frame) ?? [];
      return id === undefined ? [] : [Number(id)];
    });
  }
}
