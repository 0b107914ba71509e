import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterThisTest } from "./disposal";

const CUT_OFF_TIMEOUT_MS = 5_000; // only a failing test waits so long

/** A TCP connection that keeps its own side open after the server has closed, as an attacker's may. */
export class RawTcp {
  readonly socket: Socket;
  /** Resolves with all that the server sent, once the server has closed its side. */
  readonly ended: Promise<string>;
  readonly #gone: Promise<void>;
  received = "";

  private constructor(port: number, localAddress: string | undefined) {
    const host = localAddress === undefined ? "localhost" : "127.0.0.1";
    this.socket = connect({ port, host, localAddress, allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    this.socket.on("error", () => undefined); // some tests wait for a reset
    this.ended = new Promise((resolve) => {
      this.socket.once("end", () => resolve(this.received));
      this.socket.once("close", () => resolve(this.received));
    });
    this.#gone = new Promise((resolve) => this.socket.once("close", () => resolve()));
    afterThisTest(() => this.socket.destroy());
  }

  /** Resolves once connected and the first bytes are sent. `localAddress` is one of 127.0.0.0/8. */
  static async open(port: number, firstBytes: string | Buffer = "", localAddress?: string): Promise<RawTcp> {
    const tcp = new RawTcp(port, localAddress);
    await once(tcp.socket, "connect");
    tcp.socket.write(firstBytes);
    return tcp;
  }

  /** Resolves when the connection is closed in both directions; rejects when it is not within `timeoutMs`. */
  async cutOff(timeoutMs = CUT_OFF_TIMEOUT_MS): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const fail = () => reject(new Error(`the connection is still open after ${String(timeoutMs)} ms`));
      timer = setTimeout(fail, timeoutMs);
    });
    await Promise.race([this.#gone, late]).finally(() => clearTimeout(timer));
  }

  /** Sends the bytes again and again until the connection closes. */
  drip(bytes: string, intervalMs = 20): this {
    const timer = setInterval(() => this.socket.write(bytes), intervalMs);
    this.socket.once("close", () => clearInterval(timer));
    afterThisTest(() => clearInterval(timer));
    return this;
  }
}

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

/** Sends the bytes and reads the answer until the server closes the connection. */
export async function exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const tcp = await RawTcp.open(port, bytes);
  return parseAnswer(await tcp.ended);
}

export function parseAnswer(answer: string): RawAnswer {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const [statusLine = "", ...headerLines] = head.split("\r\n");
  const headers = headerLines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(statusLine.split(" ")[1]),
    headers: new Map(headers),
    body: rest.join("\r\n\r\n"),
  };
}
