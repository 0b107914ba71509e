import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterThisTest } from "./disposal";

const DEADLINE = 5_000; // ms; only a failing test gets there

/** A bare connection that keeps its own side open whatever the server does, as an attacker's would. */
export class RawTcp {
  readonly socket: Socket;
  /** Resolves when the server has said its last word: its answer so far, complete. */
  readonly ended: Promise<string>;
  readonly #gone: Promise<void>;
  received = "";

  private constructor(port: number) {
    this.socket = connect({ port, host: "localhost", allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    this.socket.on("error", () => undefined); // a reset is what some tests wait for
    this.ended = new Promise((resolve) => {
      this.socket.once("end", () => resolve(this.received));
      this.socket.once("close", () => resolve(this.received));
    });
    this.#gone = new Promise((resolve) => this.socket.once("close", () => resolve()));
    afterThisTest(() => this.socket.destroy());
  }

  static async open(port: number, firstBytes: string | Buffer = ""): Promise<RawTcp> {
    const tcp = new RawTcp(port);
    await once(tcp.socket, "connect");
    tcp.socket.write(firstBytes);
    return tcp;
  }

  /** Resolves when the server has let go of the connection, so that nothing can be sent to it any more. */
  async cutOff(deadline = DEADLINE): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const fail = () => reject(new Error(`the server still holds on after ${String(deadline)} ms`));
      timer = setTimeout(fail, deadline);
    });
    await Promise.race([this.#gone, late]).finally(() => clearTimeout(timer));
  }

  /** Keeps sending a little, without end; only a reset by the server stops it. */
  drip(bytes: string, interval = 20): this {
    const timer = setInterval(() => this.socket.write(bytes), interval);
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

/** Sends the bytes as they are and reads the answer up to the server's closing of the connection. */
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
