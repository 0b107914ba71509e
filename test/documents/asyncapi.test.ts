import type { Dialogue, Step } from "../../schemas/generate/dialogue";
import type { Shown } from "../../schemas/generate/samples";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { EVENTS } from "../../src/protocol/events";
import { AssignedValues } from "../support/assignedValues";
import { expireTokens, startGiven } from "../support/circumstances";
import { Document } from "../support/documents";
import { TestClient } from "../support/testClient";

interface Operation {
  messages: { $ref: string }[];
  reply?: { messages: { $ref: string }[] };
}

interface Root {
  channels: Record<string, { address: string | null; parameters?: { room?: { examples: string[] } } }>;
  operations: Record<string, Operation>;
  components: { messages: Record<string, { examples?: { name: string; payload: unknown }[] }> };
  "x-assigned-by-server": string[];
  "x-dialogues": Dialogue[];
}

const DOCUMENT = new Document<Root>("asyncapi.json");
const { channels, components, operations, "x-dialogues": DIALOGUES } = DOCUMENT.root;

/** `<operation>: <message>` of everything that the dialogues exchanged with the server. */
const played = new Set<string>();

/** Plays a dialogue against the server, and compares what the server sends with the example and with the schemas. */
class Play {
  readonly #url: string;
  readonly #clients = new Map<string, TestClient>();
  readonly #assigned = new AssignedValues(DOCUMENT.root["x-assigned-by-server"]);

  constructor(url: string) {
    this.#url = url;
  }

  async play(step: Step): Promise<void> {
    if ("connects" in step) await this.#connect(step);
    else if ("requests" in step) await this.#request(step);
    else if ("sends" in step) await this.#send(step);
    else if ("receives" in step) await this.#receive(step);
    else if ("tokenExpires" in step) await expireTokens();
    else this.#disconnect(step);
  }

  /** An event that the dialogue does not show would have arrived before the answer to this one. */
  async end(): Promise<void> {
    for (const [name, client] of this.#clients) {
      await client.ask("no_such_event");
      expect({ name, alsoReceived: client.queuedEvents() }).toEqual({ name, alsoReceived: [] });
    }
  }

  async #connect({ client, connects, refused }: Extract<Step, { connects: unknown }>): Promise<void> {
    const auth = this.#assigned.toSend(connects?.payload) as Record<string, unknown> | undefined;
    const connecting = TestClient.connect(this.#url, auth === undefined ? {} : { auth });
    if (refused === undefined) {
      this.#clients.set(client, await connecting);
      if (connects !== null) this.#check("connect", connects, { payload: auth });
      return;
    }
    const error = await connecting.then(() => undefined, (error: Error & { data?: unknown }) => error); // prettier-ignore
    this.#check("connect", refused, {
      payload: error && { message: error.message, data: error.data },
    });
  }

  async #request({ requests, headers = {}, refused }: Extract<Step, { requests: string }>): Promise<void> {
    const answer = await fetch(`${this.#url}/socket.io/${requests}`, { headers });
    const payload = (await answer.json()) as { error: { status: number } };
    expect(payload.error.status).toBe(answer.status);
    this.#check("connect", refused, { payload });
  }

  async #send(step: Extract<Step, { sends: string }>): Promise<void> {
    const { sends, message, times = 1, ack } = step;
    const operation = sends in operations ? sends : "unknown_event";
    const payload = this.#assigned.toSend(step.payload);
    if (message !== undefined) this.#check(operation, { message, payload }, { payload });
    else expect(DOCUMENT.violations(["components", "messages", sends, "payload"], payload)).not.toEqual([]);
    for (let i = 0; i < times; i++) {
      if (ack === undefined) this.#client(step).socket.emit(sends, payload);
      else {
        const answer = await this.#client(step).ask(sends, payload);
        expect(answer).toHaveLength(1);
        this.#check(operation, ack, { payload: answer[0] });
      }
    }
  }

  async #receive(step: Extract<Step, { receives: string }>): Promise<void> {
    const { receives } = step;
    const [[payload, ...offsets] = []] = await this.#client(step).waitForArguments(receives);
    const headers = offsets.length === 0 ? {} : { headers: { offset: offsets[0] } };
    expect(offsets.length).toBeLessThan(2);
    this.#check(receives.startsWith("/") ? "room" : receives, step, { payload, ...headers });
  }

  #disconnect(step: Step): void {
    this.#client(step).disconnect();
    this.#clients.delete(step.client);
  }

  /** Compares a message with the example and its schemas. */
  #check(
    operation: string,
    { message, payload, headers }: Shown,
    actual: { payload: unknown; headers?: unknown },
  ) {
    const expected = this.#assigned.expected({ payload, ...(headers && { headers }) }, actual);
    expect(actual).toEqual(expected);
    for (const [part, value] of Object.entries(actual))
      expect(DOCUMENT.violations(["components", "messages", message, part], value)).toEqual([]);
    played.add(`${operation}: ${message}`);
  }

  #client({ client }: Step): TestClient {
    const found = this.#clients.get(client);
    if (found === undefined) throw new Error(`${client} is not connected`);
    return found;
  }
}

describe("the server behaves as in the dialogue", () => {
  test.each(DIALOGUES.map((dialogue) => [dialogue.name, dialogue] as const))(
    "%s",
    async (_name, dialogue) => {
      const play = new Play(await startGiven(dialogue));
      for (const step of dialogue.steps) await play.play(step);
      await play.end();
    },
  );

  test("and the dialogues show every message of every operation, and no other", () => {
    const documented = Object.entries(operations).flatMap(([id, { messages, reply }]) =>
      [...messages, ...(reply?.messages ?? [])].map(({ $ref }) => `${id}: ${$ref.split("/").at(-1) ?? ""}`),
    );
    expect([...played].sort()).toEqual(documented.sort());
  });
});

describe("asyncapi.json", () => {
  test("has every event, and no other", () => {
    const addresses = Object.values(channels).flatMap(({ address }) => address ?? []);
    expect(addresses.sort()).toEqual([...Object.values(EVENTS), "{room}", "{event}"].sort());
  });

  test("has the default rooms", () => {
    expect(channels.room_channel?.parameters?.room?.examples).toEqual(DEFAULT_ROOMS.map(({ name }) => name));
  });

  test("shows each event of a client with a callback and without", () => {
    const steps = DIALOGUES.flatMap(({ steps }) => steps);
    for (const name of Object.values(EVENTS).filter((name) => operations[name]?.reply)) {
      const sent = steps.filter((step) => "message" in step && "sends" in step && step.sends === name);
      expect(new Set(sent.map((step) => "ack" in step))).toEqual(new Set([true, false]));
    }
  });

  test("has examples of every message, from the dialogue of their name", () => {
    for (const [key, { examples = [] }] of Object.entries(components.messages)) {
      expect({ key, isShown: examples.length > 0 }).toEqual({ key, isShown: true });
      for (const { name, payload } of examples) {
        const dialogue = DIALOGUES.find((dialogue) => dialogue.name === name);
        expect(JSON.stringify(dialogue)).toContain(JSON.stringify(payload));
      }
    }
  });
});
