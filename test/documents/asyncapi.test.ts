import type { Dialogue, Shown, Step } from "../../schemas/generate/dialogue";
import { EVENTS } from "../../src/protocol/events";
import { startGiven } from "../support/circumstances";
import { AssignedValues, Document } from "../support/documents";
import { TestClient } from "../support/testClient";

interface Root {
  channels: Record<string, { address: string | null; messages: Record<string, unknown> }>;
  operations: Record<string, { reply?: unknown }>;
  components: { messages: Record<string, { examples: unknown[] }> };
  "x-dialogues": Dialogue[];
}

const DOCUMENT = new Document<Root>("asyncapi.json");
const { channels, components, operations, "x-dialogues": DIALOGUES } = DOCUMENT.root;

/** `<operation>: <message>` of everything that the dialogues exchanged with the server. */
const played = new Set<string>();

/** Plays a dialogue against the server, and compares what the server sends with the example and with the schemas. */
class Play {
  #url = "";
  readonly #clients = new Map<string, TestClient>();
  readonly #assigned = new AssignedValues(DOCUMENT);

  async play(dialogue: Dialogue): Promise<void> {
    this.#url = await startGiven(dialogue);
    for (const step of dialogue.steps) await this[step.does](step);
    for (const [name, client] of this.#clients) {
      await client.ask("no_such_event"); // an event that the dialogue does not show would have arrived before the answer
      expect({ name, alsoReceived: client.queuedEvents() }).toEqual({ name, alsoReceived: [] });
    }
  }

  async connect({ client, message, payload, answer }: Step): Promise<void> {
    const auth = this.#assigned.toSend(payload) as Record<string, unknown> | undefined;
    if (message !== undefined) this.#check("connect", { message, payload }, auth);
    const connecting = TestClient.connect(this.#url, auth && { auth });
    if (answer === undefined) this.#clients.set(client, await connecting);
    else {
      const error = await connecting.then(() => undefined, (error: Error & { data?: unknown }) => error); // prettier-ignore
      this.#check("connect", answer, error && { message: error.message, data: error.data });
    }
  }

  async request({ what = "", headers = {}, answer }: Step): Promise<void> {
    const response = await fetch(`${this.#url}/socket.io/${what}`, { headers });
    const payload = (await response.json()) as { error: { status: number } };
    expect(payload.error.status).toBe(response.status);
    this.#check("connect", answer, payload);
  }

  async send({ client, what = "", message, times = 1, answer, ...step }: Step): Promise<void> {
    const operation = what in operations ? what : "unknown_event";
    const payload = this.#assigned.toSend(step.payload);
    if (message !== undefined) this.#check(operation, { message, payload }, payload);
    else expect(DOCUMENT.violations(["components", "messages", what, "payload"], payload)).not.toEqual([]);
    if (answer === undefined) this.#client(client).socket.emit(what, payload);
    else
      for (let i = 0; i < times; i++) {
        const args = await this.#client(client).ask(what, payload);
        expect(args).toHaveLength(1);
        this.#check(operation, answer, args[0]);
      }
  }

  async receive({ client, what = "", ...shown }: Step): Promise<void> {
    const [[payload, offset, ...more] = []] = await this.#client(client).waitForArguments(what);
    expect(more).toEqual([]);
    this.#check(what.startsWith("/") ? "room" : what, shown, payload, offset && { offset });
  }

  disconnect({ client }: Step): void {
    this.#client(client).disconnect();
    this.#clients.delete(client);
  }

  #client(name: string): TestClient {
    expect([...this.#clients.keys()]).toContain(name);
    return this.#clients.get(name) as TestClient;
  }

  /** Compares a message with the example and its schemas. */
  #check(operation: string, shown: Partial<Shown> = {}, payload: unknown, headers?: unknown): void {
    const { message = "", payload: example, headers: itsHeaders } = shown;
    const actual = { payload, ...(headers !== undefined && { headers }) };
    expect(actual).toEqual(this.#assigned.expected({ payload: example, headers: itsHeaders }, actual));
    for (const [part, value] of Object.entries(actual))
      expect(DOCUMENT.violations(["components", "messages", message, part], value)).toEqual([]);
    played.add(`${operation}: ${message}`);
  }
}

describe("the server behaves as in the dialogue", () => {
  test.each(DIALOGUES)("$name", (dialogue) => new Play().play(dialogue));

  test("and the dialogues show every message of every operation, and no other", () => {
    const documented = Object.entries(channels).flatMap(([id, { messages }]) =>
      Object.keys(messages).map((message) => `${id.replace(/_(channel|reply)$/, "")}: ${message}`),
    );
    expect([...played].sort()).toEqual(documented.sort());
  });
});

describe("asyncapi.json", () => {
  test("has every event, and no other", () => {
    const addresses = Object.values(channels).flatMap(({ address }) => address ?? []);
    expect(addresses.sort()).toEqual([...Object.values(EVENTS), "{room}", "{event}"].sort());
  });

  test("shows each event of a client with a callback and without", () => {
    const steps = DIALOGUES.flatMap(({ steps }) => steps);
    for (const name of Object.values(EVENTS).filter((name) => operations[name]?.reply)) {
      const sent = steps.filter(({ does, what, message }) => does === "send" && what === name && message);
      expect(new Set(sent.map((step) => "answer" in step))).toEqual(new Set([true, false]));
    }
  });

  test("has examples of every message", () => {
    const messages = Object.entries(components.messages);
    expect(messages.filter(([, { examples }]) => examples.length === 0)).toEqual([]);
  });
});
