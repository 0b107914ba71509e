import { v4 as uuid } from "uuid";
import { EVENTS } from "../../src/protocol/events";
import { TestClient } from "./testClient";

const PRESENCE = { username: "canary", avatar: "", currentRoom: { label: "Cooking", name: "/cooking" } };
const PATIENCE = 1_000; // ms from sending to hearing, whatever somebody else is up to

interface Heard {
  data: { uuid: string };
}

/**
 * Two honest clients beside an offender. What they hear, and how soon, tells whether the offender got through
 * to anybody: a marker sent after the offence must be the first thing they hear.
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
    const presence = await presenceAsSeenBy(a);
    for (const canary of [a, b]) await canary.waitFor(EVENTS.presenceInformation);
    return new Canaries(a, b, presence);
  }

  /** As `chat`, and presence is what it was. Counts against the canary's presence limit, 20 at once. */
  async check(context: string, ...others: TestClient[]): Promise<void> {
    await this.chat(context, ...others);
    const presence = await presenceAsSeenBy(this.a);
    expect({ context, presence }).toEqual({ context, presence: this.#presence });
    expectNothingElse(context, [this.a, this.b, ...others]);
  }

  /**
   * Fails unless a message gets from A to B within a second, and is the first thing that reached them or the
   * `others` since the last time.
   */
  async chat(context: string, ...others: TestClient[]): Promise<void> {
    const marker = uuid();
    const start = performance.now();
    this.a.sendMessage({ username: "canary", uuid: marker });
    for (const client of [this.b, this.a, ...others]) {
      const [first] = await client.waitFor<Heard>("/cooking");
      expect({ context, firstHeard: first?.data.uuid }).toEqual({ context, firstHeard: marker });
    }
    const isPrompt = performance.now() - start < PATIENCE;
    expect({ context, isPrompt }).toEqual({ context, isPrompt: true });
    expectNothingElse(context, [this.a, this.b, ...others]);
  }
}

function expectNothingElse(context: string, clients: TestClient[]): void {
  for (const client of clients)
    expect({ context, alsoHeard: client.queuedEvents() }).toEqual({ context, alsoHeard: [] });
}

/** Announcing the room one is in changes nothing, and the answer tells who is where. */
async function presenceAsSeenBy(client: TestClient): Promise<unknown> {
  const [answer] = await client.ask(EVENTS.newPresenceInformation, PRESENCE);
  return answer;
}
