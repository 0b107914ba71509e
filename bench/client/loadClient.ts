/** A websocket client over a plain TCP socket, in the target's dialect: cheap, so that one process holds thousands. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { pongFrame, textFrame } from "./clientFrames";
import type { Dialect } from "./dialect";
import { FrameWalker, type FrameSink } from "./frameWalker";

/** Receives the events of all clients of a scenario. */
export interface Inbox {
  /** Called for each event. The frame's payload is `buffer[start, end)`, valid during the call only. */
  frame(client: number, buffer: Buffer, start: number, end: number): void;
  /** Called after the last event of each read from the client's socket. */
  readEnd(client: number): void;
}

// All sockets read into the same buffer: it stays in the processor's cache, and a read allocates nothing.
const readBuffer = Buffer.allocUnsafe(64 * 1024);

const ENGINE_PING = "2".charCodeAt(0);
const ENGINE_PONG = textFrame("3");
const WEBSOCKET_PING_FIRST_BYTE = 0x89;

export class LoadClient implements FrameSink {
  bytesReceived = 0;
  private readonly socket: Socket;
  private readonly walker = new FrameWalker(this);
  /** The HTTP answer to the upgrade so far; null once it is complete. */
  private upgradeAnswer: string | null = "";
  private connected = false;
  private closing = false;
  private whenConnected: () => void = () => {};

  /** Resolves once connected in the target's dialect. */
  static open(port: number, dialect: Dialect, index: number, inbox: Inbox): Promise<LoadClient> {
    return new Promise((resolve) => {
      const client = new LoadClient(port, dialect, index, inbox);
      client.whenConnected = () => resolve(client);
    });
  }

  private constructor(
    port: number,
    private readonly dialect: Dialect,
    private readonly index: number,
    private readonly inbox: Inbox,
  ) {
    const callback = (length: number): boolean => {
      this.read(length);
      return true;
    };
    this.socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: readBuffer, callback },
    });
    this.socket.on("error", (error) => this.fail(error.message));
    this.socket.on("close", () => {
      if (!this.closing) this.fail("the server closed the connection");
    });
    this.socket.write(
      `GET ${dialect.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
  }

  send(frames: Buffer): void {
    this.socket.write(frames);
  }

  close(): void {
    this.closing = true;
    this.socket.destroy();
  }

  /** A text frame of the server. */
  text(buffer: Buffer, start: number, end: number): void {
    if (this.connected && end - start > 1) this.inbox.frame(this.index, buffer, start, end);
    else if (this.connected && buffer[start] === ENGINE_PING) this.send(ENGINE_PONG);
    else this.handshake(buffer.toString("utf8", start, end));
  }

  control(firstByte: number): void {
    if (firstByte !== WEBSOCKET_PING_FIRST_BYTE) this.fail(`unexpected frame 0x${firstByte.toString(16)}`);
    this.send(pongFrame());
  }

  private read(length: number): void {
    this.bytesReceived += length;
    const start = this.upgradeAnswer === null ? 0 : this.readUpgradeAnswer(length);
    this.walker.push(readBuffer, start, length);
    this.inbox.readEnd(this.index);
  }

  /** Returns where the first frame begins; it may be in the same read. */
  private readUpgradeAnswer(length: number): number {
    const before = this.upgradeAnswer?.length ?? 0;
    const answer = `${this.upgradeAnswer ?? ""}${readBuffer.toString("latin1", 0, length)}`;
    const end = answer.indexOf("\r\n\r\n");
    if (end < 0) {
      this.upgradeAnswer = answer;
      return length;
    }
    if (!answer.startsWith("HTTP/1.1 101 ")) this.fail(`no upgrade: ${answer.slice(0, 200)}`);
    this.upgradeAnswer = null;
    if (this.dialect.connect === null) this.becomeConnected();
    else this.send(textFrame(this.dialect.connect.packet));
    return end + 4 - before;
  }

  private handshake(packet: string): void {
    const answerPrefix = this.dialect.connect?.answerPrefix;
    if (answerPrefix !== undefined && packet.startsWith(answerPrefix)) this.becomeConnected();
    else if (!packet.startsWith("0{")) this.fail(`unexpected packet ${packet.slice(0, 200)}`);
  }

  private becomeConnected(): void {
    this.connected = true;
    this.whenConnected();
  }

  /** Throws out of a socket's callback on purpose: a failure of one client ends the run. */
  private fail(reason: string): never {
    throw new Error(`client ${this.index}: ${reason}`);
  }
}
