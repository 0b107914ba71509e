import { once } from "node:events";
import { WebSocket } from "ws";
import { afterThisTest } from "./disposal";
import { until } from "./until";

/** A Socket.IO client of which every frame is written and read by hand. */
export class RawClient {
  /** What the server wrote as Engine.IO messages, in order, without the leading `4`. */
  readonly frames: string[] = [];
  readonly webSocket: WebSocket;

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
  }

  /** Opens a websocket and sends the CONNECT packet with this `auth`; does not wait for the answer. */
  static async open(url: string, auth?: object): Promise<RawClient> {
    const webSocket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    afterThisTest(() => webSocket.terminate());
    const client = new RawClient(webSocket);
    webSocket.on("message", (data: Buffer) => client.#arrived(data.toString()));
    await once(webSocket, "open");
    client.send(`0${auth === undefined ? "" : JSON.stringify(auth)}`);
    return client;
  }

  static async connect(url: string, auth?: object): Promise<RawClient> {
    const client = await RawClient.open(url, auth);
    await until("the raw client is connected", () => client.frames.some((frame) => frame.startsWith("0")));
    return client;
  }

  /** Sends Socket.IO packets, all in one write. */
  send(...packets: string[]): void {
    const { _socket: socket } = this.webSocket as unknown as { _socket: { cork(): void; uncork(): void } };
    socket.cork();
    for (const packet of packets) this.webSocket.send(`4${packet}`);
    socket.uncork();
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

  #arrived(packet: string): void {
    if (packet === "2") this.webSocket.send("3");
    else if (packet.startsWith("4")) this.frames.push(packet.slice(1));
  }
}
