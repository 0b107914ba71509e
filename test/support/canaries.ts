import { v4 as uuid } from "uuid";
import { EVENTS } from "../../src/protocol/events";
import { startStopwatch } from "./stopwatch";
import { TestClient } from "./testClient";

const PRESENCE = { username: "canary", avatar: "", currentRoom: { label: "Cooking", name: "/cooking" } };
/** The service's promise: a message between two clients arrives within this time, whatever a third client does. */
const DELIVERED_WITHIN_MS = 1_000;

interface RoomEvent {
  data: { uuid: string };
}

/**
 * Two honest clients beside an offender. They show whether the offender reached other clients: a marker that is
 * sent after the offence must be the first event that they receive, and must arrive in time.
 */
export class Canaries {
  readonly a: TestClient;
  readonly b: TestClient;
  readonly #presence: unknown;

  private constructor(a: TestClient, b: TestClient, presence: unknown) {
    this.a = a;
    this.b = b;
    this.#presence = presence;
  }

  static async start(url: string): Promise<Canaries> {
    const a = await TestClient.connect(url);
    const b = await TestClient.connect(url);
    const presence = await askForPresence(a);
    for (const canary of [a, b]) await canary.waitFor(EVENTS.presenceInformation);
    return new Canaries(a, b, presence);
  }

  /** As `chat`, and presence is unchanged. Each check counts against canary A's presence limit (burst: 20). */
  async check(context: string, ...others: TestClient[]): Promise<void> {
    await this.chat(context, ...others);
    const presence = await askForPresence(this.a);
    expect({ context, presence }).toEqual({ context, presence: this.#presence });
    expectEmptyQueues(context, [this.a, this.b, ...others]);
  }

  /**
   * Sends a message from A. Fails unless A, B and the `others` receive it in time, and as their first event since
   * the last check.
   */
  async chat(context: string, ...others: TestClient[]): Promise<void> {
    const marker = uuid();
    const elapsedMs = startStopwatch();
    this.a.sendMessage({ username: "canary", uuid: marker });
    for (const client of [this.b, this.a, ...others]) {
      const [first] = await client.waitFor<RoomEvent>("/cooking");
      expect({ context, firstReceived: first?.data.uuid }).toEqual({ context, firstReceived: marker });
    }
    const isInTime = elapsedMs() < DELIVERED_WITHIN_MS;
    expect({ context, isInTime }).toEqual({ context, isInTime: true });
    expectEmptyQueues(context, [this.a, this.b, ...others]);
  }
}

function expectEmptyQueues(context: string, clients: TestClient[]): void {
  for (const client of clients)
    expect({ context, alsoReceived: client.queuedEvents() }).toEqual({ context, alsoReceived: [] });
}

/** Announces the room that the canary is in already: this changes nothing, and the ack lists the users. */
async function askForPresence(client: TestClient): Promise<unknown> {
  const [answer] = await client.ask(EVENTS.newPresenceInformation, PRESENCE);
  return answer;
}
