import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";
import { afterThisTest } from "./disposal";

export interface Closed {
  /** As in RFC 6455, section 7.4; 1006 when the connection broke, 1005 when the server gave no code. */
  code: number;
}

interface Waiter {
  prefix: string;
  settle: (frame?: string) => void;
}

export interface RawWebSocketOptions {
  /** Query string besides `transport`; default: `EIO=4`. */
  query?: string;
  headers?: Record<string, string>;
}

const DEADLINE = 10_000; // ms; only a failing test gets there

/** A websocket that speaks Engine.IO and Socket.IO by hand, so it can say what no client library would. */
export class RawWebSocket {
  /** Every text frame so far, in order of arrival. */
  readonly frames: string[] = [];
  readonly closed: Promise<Closed>;
  readonly webSocket: WebSocket;
  readonly tcp: Socket;
  readonly #waiters: Waiter[] = [];
  #isClosed = false;

  private constructor(url: string, { query = "EIO=4", headers = {} }: RawWebSocketOptions) {
    const { hostname, port } = new URL(url);
    this.tcp = connect(Number(port), hostname);
    this.webSocket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?${query}&transport=websocket`, {
      createConnection: () => this.tcp,
      headers,
      perMessageDeflate: false,
    });
    this.webSocket.on("message", (data: Buffer) => this.#arrived(data.toString()));
    this.webSocket.on("error", () => undefined); // the close that follows says it all
    this.closed = new Promise((resolve) =>
      this.webSocket.once("close", (code) => {
        this.#isClosed = true;
        for (const { settle } of this.#waiters.splice(0)) settle();
        resolve({ code });
      }),
    );
    afterThisTest(() => this.webSocket.terminate());
  }

  /** Resolves once the websocket is open. Nothing is said on it yet. */
  static async open(url: string, options: RawWebSocketOptions = {}): Promise<RawWebSocket> {
    const socket = new RawWebSocket(url, options);
    await once(socket.webSocket, "open");
    return socket;
  }

  /** Resolves once connected to the namespace `/`. */
  static async connect(url: string, options: RawWebSocketOptions = {}): Promise<RawWebSocket> {
    const socket = await RawWebSocket.open(url, options);
    await socket.waitFor("0");
    if (!options.query?.includes("EIO=3")) socket.send("40");
    await socket.waitFor("40");
    return socket;
  }

  /** The status an upgrade is refused with, or 101; what was let in is closed again. */
  static async statusOf(url: string, options: RawWebSocketOptions = {}): Promise<number> {
    const { webSocket } = new RawWebSocket(url, options);
    return new Promise((resolve, reject) => {
      webSocket.once("open", () => {
        webSocket.terminate();
        resolve(101);
      });
      webSocket.once("unexpected-response", (_request, response) => {
        response.destroy();
        resolve(response.statusCode ?? NaN);
      });
      webSocket.once("error", reject);
    });
  }

  /** Sends text and binary frames, all in one write. */
  send(...frames: readonly (string | Buffer)[]): void {
    this.inOneWrite(() => {
      for (const frame of frames) this.webSocket.send(frame);
    });
  }

  /** Whatever is sent meanwhile leaves as one write. */
  inOneWrite(send: () => void): void {
    this.tcp.cork();
    send();
    this.tcp.uncork();
  }

  /** Resolves with the first frame, past or future, that begins so. */
  async waitFor(prefix: string): Promise<string> {
    const frame = await this.heardOrClosed(prefix);
    if (frame !== undefined) return frame;
    throw new Error(`closed before a frame ${prefix}… came; heard ${this.#summary()}`);
  }

  /** As `waitFor`, but a connection that closes first is as good: then it resolves with undefined. */
  heardOrClosed(prefix: string): Promise<string | undefined> {
    const past = this.frames.find((frame) => frame.startsWith(prefix));
    if (past !== undefined || this.#isClosed) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`waited in vain for a frame ${prefix}…; heard ${this.#summary()}`));
      const timer = setTimeout(fail, DEADLINE);
      const settle = (frame?: string) => {
        clearTimeout(timer);
        resolve(frame);
      };
      this.#waiters.push({ prefix, settle });
    });
  }

  /** How many frames so far begin so. */
  count(prefix: string): number {
    return this.frames.filter((frame) => frame.startsWith(prefix)).length;
  }

  #arrived(frame: string): void {
    this.frames.push(frame);
    for (const waiter of [...this.#waiters]) {
      if (!frame.startsWith(waiter.prefix)) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.settle(frame);
    }
  }

  #summary(): string {
    const last = this.frames.slice(-5).map((frame) => frame.slice(0, 80));
    return `${String(this.frames.length)} frames, the last ones ${last.join(" ") || "nothing"}`;
  }
}
