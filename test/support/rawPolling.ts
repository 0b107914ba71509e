import { afterThisTest } from "./disposal";

const CLOSE = "1"; // Engine.IO packet
/** Of Engine.IO 4; Engine.IO 3 writes each packet's length before the packet. */
const PACKET_SEPARATOR = "\u001e";

export interface RawPollingOptions {
  eio?: 3 | 4;
  headers?: Record<string, string>;
}

export interface PollingAnswer {
  status: number;
  packets: string[];
}

/** A long-polling session whose requests a test sends one by one. */
export class RawPolling {
  readonly sid: string;
  readonly #url: string;
  readonly #eio: 3 | 4;
  readonly #headers: Record<string, string>;

  private constructor(url: string, sid: string, { eio = 4, headers = {} }: RawPollingOptions) {
    this.#url = `${handshakeUrl(url, eio)}&sid=${sid}`;
    this.#eio = eio;
    this.#headers = headers;
    this.sid = sid;
    // Without this a stopping service waits up to 2 s for the next poll. A stopped service refuses the POST.
    afterThisTest(() => this.post(CLOSE).catch(() => undefined));
  }

  /** Resolves once the session is open; sends nothing on it. */
  static async open(url: string, options: RawPollingOptions = {}): Promise<RawPolling> {
    const { status, body } = await RawPolling.#handshake(url, options);
    if (status !== 200) throw new Error(`handshake refused: ${String(status)} ${body}`);
    return RawPolling.adopt(url, body, options);
  }

  /** The session of a handshake that the test has made itself. */
  static adopt(url: string, handshakeAnswer: string, options: RawPollingOptions = {}): RawPolling {
    const sid = /"sid":"([^"]+)"/.exec(handshakeAnswer)?.[1] ?? "";
    return new RawPolling(url, sid, options);
  }

  /** Resolves once connected to the namespace `/`; with Engine.IO 3, where CONNECT needs no packet, once open. */
  static async connect(url: string, options: RawPollingOptions = {}): Promise<RawPolling> {
    const session = await RawPolling.open(url, options);
    if (options.eio === 3) return session;
    await session.post("40");
    const { packets } = await session.poll();
    if (packets[0]?.startsWith("40") !== true) throw new Error(`not connected: ${packets.join()}`);
    return session;
  }

  /** Resolves with the status of a handshake's answer. An opened session is closed after the test. */
  static async statusOf(url: string, options: RawPollingOptions = {}): Promise<number> {
    const { status, body } = await RawPolling.#handshake(url, options);
    if (status === 200) RawPolling.adopt(url, body, options);
    return status;
  }

  static async #handshake(
    url: string,
    { eio = 4, headers = {} }: RawPollingOptions,
  ): Promise<{ status: number; body: string }> {
    const answer = await fetch(handshakeUrl(url, eio), { headers });
    return { status: answer.status, body: await answer.text() };
  }

  /** Sends the packets in one POST; resolves with the answer's status. */
  post(...packets: string[]): Promise<number> {
    const isOld = this.#eio === 3;
    const lines = isOld ? packets.map((packet) => `${String(packet.length)}:${packet}`) : packets;
    return this.postBody(lines.join(isOld ? "" : PACKET_SEPARATOR));
  }

  async postBody(body: string | Buffer): Promise<number> {
    const isText = typeof body === "string";
    const type = isText ? "text/plain;charset=UTF-8" : "application/octet-stream";
    const answer = await fetch(this.#url, {
      method: "POST",
      body: isText ? body : Uint8Array.from(body),
      headers: { ...this.#headers, "Content-Type": type },
    });
    await answer.text();
    return answer.status;
  }

  /** Waits for the server's next packets; Engine.IO 4 only. */
  async poll(): Promise<PollingAnswer> {
    const answer = await fetch(this.#url, { headers: this.#headers });
    return { status: answer.status, packets: (await answer.text()).split(PACKET_SEPARATOR) };
  }
}

function handshakeUrl(url: string, eio: 3 | 4): string {
  return `${url}/socket.io/?EIO=${String(eio)}&transport=polling`;
}
