import type { Dialogue, Step } from "../../schemas/generate/dialogue";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { EVENTS } from "../../src/protocol/events";
import { AssignedValues } from "../support/assignedValues";
import { startGiven } from "../support/circumstances";
import { EventsDocument, type Place } from "../support/eventsDocument";
import { TestClient } from "../support/testClient";

const DOCUMENT = new EventsDocument();
const { channels, components, operations, "x-dialogues": DIALOGUES } = DOCUMENT.root;

/** Plays a dialogue against the server, step by step, and holds what is said to the example and to the schemas. */
class Play {
  readonly #url: string;
  readonly #clients = new Map<string, TestClient>();
  readonly #assigned = new AssignedValues(DOCUMENT.root["x-assigned-by-server"]);

  constructor(url: string) {
    this.#url = url;
  }

  async play(step: Step): Promise<void> {
    if ("connects" in step) await this.#connect(step);
    else if ("sends" in step) await this.#send(this.#client(step), step);
    else if ("hears" in step) await this.#hear(this.#client(step), step);
    else this.#disconnect(step);
  }

  /** Nobody has heard what the dialogue does not tell of: it would have come before the answer to this. */
  async end(): Promise<void> {
    for (const [name, client] of this.#clients) {
      await client.ask("no_such_event");
      expect({ name, alsoHeard: client.queuedEvents() }).toEqual({ name, alsoHeard: [] });
    }
  }

  async #connect({ client, connects, refused }: Extract<Step, { connects: unknown }>): Promise<void> {
    const auth = this.#assigned.toSend(connects.auth) as Record<string, unknown> | undefined;
    const connecting = TestClient.connect(this.#url, auth === undefined ? {} : { auth });
    if (refused === undefined) {
      this.#clients.set(client, await connecting);
      return;
    }
    const error = await connecting.then(() => new Error("is connected"), (error: Error & { data?: unknown }) => error); // prettier-ignore
    const { message, data } = error as Error & { data?: unknown };
    expect({ message, data }).toEqual(refused);
    DOCUMENT.connects(auth, { message, data });
  }

  async #send(client: TestClient, step: Extract<Step, { sends: string }>): Promise<void> {
    const { sends, isValid, times = 1, ack } = step;
    const payload = this.#assigned.toSend(step.payload);
    DOCUMENT.sent(sends, payload, isValid);
    for (let i = 0; i < times; i++) {
      if (ack === undefined) {
        client.socket.emit(sends, payload);
        continue;
      }
      const answer = await client.ask(sends, payload);
      expect(answer).toEqual([this.#assigned.expected(ack, answer[0])]);
      DOCUMENT.replied(sends, answer[0]);
    }
  }

  async #hear(
    client: TestClient,
    { hears, payload, offset }: Extract<Step, { hears: string }>,
  ): Promise<void> {
    const [heard = []] = await client.waitForArguments(hears);
    const example = offset === undefined ? { payload } : { payload, offset };
    const [actualPayload, actualOffset] = heard;
    expect(heard).toHaveLength(Object.keys(example).length);
    const actual =
      offset === undefined ? { payload: actualPayload } : { payload: actualPayload, offset: actualOffset };
    expect(actual).toEqual(this.#assigned.expected(example, actual));
    DOCUMENT.heard(hears, heard);
  }

  #disconnect(step: Step): void {
    this.#client(step).disconnect();
    this.#clients.delete(step.client);
  }

  #client({ client }: Step): TestClient {
    const found = this.#clients.get(client);
    if (found === undefined) throw new Error(`${client} is not connected`);
    return found;
  }
}

/** Which messages of the document a step shows, by its schemas. */
function placesOf(step: Step): Place[] {
  if ("connects" in step) {
    const { connects, refused } = step;
    return connects.auth === undefined && refused === undefined
      ? []
      : [DOCUMENT.connects(connects.auth, refused)];
  }
  if ("sends" in step) {
    const { sends, payload, isValid, ack } = step;
    return [
      DOCUMENT.sent(sends, payload, isValid),
      ...(ack === undefined ? [] : [DOCUMENT.replied(sends, ack)]),
    ];
  }
  if (!("hears" in step)) return [];
  return [
    DOCUMENT.heard(step.hears, step.offset === undefined ? [step.payload] : [step.payload, step.offset]),
  ];
}

function stepsOf({ steps }: Dialogue): Step[] {
  return steps;
}

describe("every dialogue goes as asyncapi.json has it", () => {
  test.each(DIALOGUES.map((dialogue) => [dialogue.name, dialogue] as const))(
    "%s",
    async (_name, dialogue) => {
      const play = new Play(await startGiven(dialogue));
      for (const step of dialogue.steps) await play.play(step);
      await play.end();
    },
  );
});

describe("asyncapi.json shows", () => {
  const steps = DIALOGUES.flatMap(stepsOf);

  test("every message of every operation in a dialogue", () => {
    const shown = new Set(steps.flatMap(placesOf));
    expect(DOCUMENT.places().filter((place) => !shown.has(place))).toEqual([]);
  });

  test("every event of a client with an ack and without", () => {
    const received = Object.values(operations).filter(({ action }) => action === "receive");
    const names = received.map(
      ({ channel }) => DOCUMENT.resolve<{ address: string | null }>(channel.$ref).part.address,
    );
    for (const name of names.filter((name) => name !== null && !name.startsWith("{"))) {
      const sends = steps.filter((step) => "sends" in step && step.sends === name && step.isValid);
      expect({ name, acked: sends.some((step) => "ack" in step) }).toEqual({ name, acked: true });
      expect({ name, unacked: sends.some((step) => !("ack" in step)) }).toEqual({ name, unacked: true });
    }
  });

  test("no example of a message that is not in the dialogue of its name", () => {
    for (const { name, examples } of Object.values(components.messages)) {
      expect({ name, isShown: examples.length > 0 }).toEqual({ name, isShown: true });
      for (const example of examples) {
        const dialogue = DIALOGUES.find((dialogue) => dialogue.name === example.name);
        const said = (dialogue?.steps ?? []).flatMap((step): unknown[] => Object.values(step).concat("connects" in step ? [step.connects.auth] : [])); // prettier-ignore
        expect(said).toContainEqual(example.payload);
      }
    }
  });
});

describe("asyncapi.json has", () => {
  test("every event, and no other", () => {
    const addresses = Object.values(channels).flatMap(({ address }) => address ?? []);
    const known = [...Object.values(EVENTS), "{room}", "{event}"];
    expect(addresses.sort()).toEqual(known.sort());
  });

  test("the default rooms", () => {
    const names = DEFAULT_ROOMS.map(({ name }) => name);
    expect(channels.room?.parameters?.room?.examples).toEqual(names);
  });
});
