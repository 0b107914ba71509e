import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";
import { afterThisTest } from "./disposal";

export interface Closed {
  /** RFC 6455, section 7.4; 1006: the connection broke, 1005: the server sent no code. */
  code: number;
}

interface Waiter {
  prefix: string;
  settle: (frame?: string) => void;
}

export interface RawWebSocketOptions {
  /** Query string without `transport`; default: `EIO=4`. */
  query?: string;
  headers?: Record<string, string>;
}

const TIMEOUT_MS = 10_000; // only a failing test waits so long

/** A websocket whose Engine.IO frames a test writes itself, so that it can send what no client library sends. */
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
    this.webSocket.on("error", () => undefined); // a close follows, which `closed` reports
    this.closed = new Promise((resolve) =>
      this.webSocket.once("close", (code) => {
        this.#isClosed = true;
        for (const { settle } of this.#waiters.splice(0)) settle();
        resolve({ code });
      }),
    );
    afterThisTest(() => this.webSocket.terminate());
  }

  /** Resolves once the websocket is open; sends nothing on it. */
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

  /** Resolves with the status of the upgrade's answer; an accepted websocket is closed again. */
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

  /** Sends all that `send` writes to `tcp` in one write. */
  inOneWrite(send: () => void): void {
    this.tcp.cork();
    send();
    this.tcp.uncork();
  }

  /** Resolves with the first frame, past or future, that begins with the prefix; rejects on close or timeout. */
  async waitFor(prefix: string): Promise<string> {
    const frame = await this.frameOrClosed(prefix);
    if (frame !== undefined) return frame;
    throw new Error(`closed before a frame ${prefix}… arrived; received ${this.#summary()}`);
  }

  /** As `waitFor`, but resolves with undefined when the connection closes first. */
  frameOrClosed(prefix: string): Promise<string | undefined> {
    const past = this.frames.find((frame) => frame.startsWith(prefix));
    if (past !== undefined || this.#isClosed) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const fail = () =>
        reject(new Error(`no frame ${prefix}… arrived in time; received ${this.#summary()}`));
      const timer = setTimeout(fail, TIMEOUT_MS);
      const settle = (frame?: string) => {
        clearTimeout(timer);
        resolve(frame);
      };
      this.#waiters.push({ prefix, settle });
    });
  }

  /** The number of frames so far that begin with the prefix. */
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
