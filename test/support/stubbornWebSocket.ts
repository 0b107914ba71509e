import { RawTcp } from "./rawTcp";
import { until } from "./until";

const CLOSE_FRAME = "\x88\x00";

/** A websocket that reads everything, answers no close frame and keeps its TCP connection open. */
export class StubbornWebSocket {
  readonly tcp: RawTcp;
  /** Of the upgrade's answer; 101: it was accepted. */
  readonly status: number;

  private constructor(tcp: RawTcp, status: number) {
    this.tcp = tcp;
    this.status = status;
  }

  /** Resolves once the upgrade is answered. `query`: without `transport`. */
  static async open(port: number, query = "EIO=4"): Promise<StubbornWebSocket> {
    const tcp = await RawTcp.open(
      port,
      `GET /socket.io/?${query}&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await until("the upgrade is answered", () => tcp.received.includes("\r\n\r\n"));
    return new StubbornWebSocket(tcp, Number(tcp.received.split(" ")[1]));
  }

  /** Sends a text frame of at most 125 characters. */
  send(text: string): void {
    const head = Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]); // masked, as a client must, with zeros
    this.tcp.socket.write(Buffer.concat([head, Buffer.from(text)]));
  }

  /** Resolves once the text has arrived in some frame. */
  async waitFor(text: string): Promise<void> {
    await until(`${text} arrives`, () => this.tcp.received.includes(text));
  }

  /** Resolves once connected to the namespace `/`. */
  async connect(): Promise<this> {
    this.send("40");
    await this.waitFor("40{");
    return this;
  }

  /** Resolves when the server's close frame has arrived. */
  async closing(): Promise<void> {
    await this.waitFor(CLOSE_FRAME);
  }
}
