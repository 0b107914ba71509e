import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { textFrame } from "../../bench/client/clientFrames";
import { FrameWalker, type FrameSink } from "../../bench/client/frameWalker";
import { afterThisTest } from "../support/disposal";

export interface AttackClientOptions {
  /** Of the CONNECT packet. Default: none. */
  auth?: object;
  /** False: the client reads nothing after it has sent CONNECT. Default: true. */
  reads?: boolean;
  /** False: the client sends no CONNECT packet. Default: true. */
  connects?: boolean;
  /** Any of 127.0.0.0/8. */
  localAddress?: string;
  /** Called for each Engine.IO packet. It is `buffer[start, end)`, valid during the call only. */
  onPacket?: (buffer: Buffer, start: number, end: number) => void;
}

const ENGINE_OPEN = "0".charCodeAt(0);
const ENGINE_PING = "2".charCodeAt(0);

/**
 * A Socket.IO client over a plain TCP socket. It is cheap, does not decode what it receives, and ignores the server's
 * close, also that of TCP. It ends with `end()`, or after the test.
 */
export class AttackClient implements FrameSink {
  /** Resolves with true when the server has accepted the CONNECT packet, with false when the connection ends before. */
  readonly connected: Promise<boolean>;
  /** Resolves when the server has closed the TCP connection. Only a client that reads notices. */
  readonly closed: Promise<void>;
  /** Whether the server has accepted the websocket. */
  isOpen = false;
  isClosed = false;
  readonly socket: Socket;
  readonly #options: AttackClientOptions;
  readonly #walker = new FrameWalker(this);
  #upgradeAnswer: Buffer | undefined = Buffer.alloc(0); // undefined once it is complete
  #onConnected: (isConnected: boolean) => void = () => undefined;

  constructor(port: number, options: AttackClientOptions = {}) {
    const { localAddress = "127.0.0.1" } = options;
    this.#options = options;
    this.connected = new Promise((resolve) => (this.#onConnected = resolve));
    this.socket = connect({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true, noDelay: true });
    this.closed = new Promise((resolve) => {
      for (const event of ["end", "close"])
        this.socket.once(event, () => {
          this.isClosed = true;
          this.#onConnected(false);
          resolve();
        });
    });
    this.socket.on("error", () => undefined); // a close follows
    this.socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\n` +
        `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    afterThisTest(() => this.end());
  }

  /** Sends Engine.IO packets, all in one write. */
  send(...packets: string[]): void {
    this.socket.write(Buffer.concat(packets.map(textFrame)));
  }

  end(): void {
    this.socket.destroy();
  }

  text(buffer: Buffer, start: number, end: number): void {
    if (buffer[start] === ENGINE_OPEN) this.#onOpen();
    else if (end - start === 1 && buffer[start] === ENGINE_PING) this.send("3");
    else {
      this.#onConnected(true); // the answer to CONNECT is the first packet
      this.#options.onPacket?.(buffer, start, end);
    }
  }

  control(): void {
    // ignores pings and the close
  }

  #onOpen(): void {
    const { auth, reads = true, connects = true } = this.#options;
    if (connects) this.send(`40${auth === undefined ? "" : JSON.stringify(auth)}`);
    if (!reads) this.socket.pause();
  }

  #read(chunk: Buffer): void {
    if (this.#upgradeAnswer === undefined) {
      this.#walker.push(chunk, 0, chunk.length);
      return;
    }
    const answer = Buffer.concat([this.#upgradeAnswer, chunk]);
    this.#upgradeAnswer = answer;
    const end = answer.indexOf("\r\n\r\n");
    if (end < 0) return;
    this.#upgradeAnswer = undefined;
    if (!answer.subarray(0, end).includes(" 101 ")) {
      this.end();
      return;
    }
    this.isOpen = true;
    this.#walker.push(answer, end + 4, answer.length);
  }
}
