import type { Dialogue } from "../../schemas/generate/dialogue";
import { Document, pointerTo } from "./documents";

interface Ref {
  $ref: string;
}

export interface Operation {
  action: "send" | "receive";
  channel: Ref;
  messages: Ref[];
  reply?: { messages: Ref[] };
}

interface Channel {
  address: string | null;
  parameters?: Record<string, { examples?: string[] }>;
}

export interface Message {
  name: string;
  headers?: object;
  examples: { name: string; payload: unknown; headers?: unknown }[];
}

interface Root {
  channels: Record<string, Channel>;
  operations: Record<string, Operation>;
  components: { messages: Record<string, Message>; schemas: Record<string, unknown> };
  "x-assigned-by-server": string[];
  "x-dialogues": Dialogue[];
}

/** A message of the document, and the operation in which it stands. */
export type Place = `${string}: ${string}`;

/** asyncapi.json as who wants to know what an event has to look like reads it. */
export class EventsDocument extends Document<Root> {
  constructor() {
    super("asyncapi.json");
  }

  /** The message that a client sends. Throws, as the others do, if the document has none of that kind. */
  sent(event: string, payload: unknown, isValid: boolean): Place {
    const { id, operation } = this.#operation("receive", event);
    if (isValid) return this.#matching(id, operation.messages, payload);
    const [ref] = operation.messages as [Ref];
    expect({ payload, violations: this.#violations(ref, payload) }).not.toMatchObject({ violations: [] });
    return `${id}: what is not valid`;
  }

  replied(event: string, answer: unknown): Place {
    const { id, operation } = this.#operation("receive", event);
    return this.#matching(id, operation.reply?.messages ?? [], answer);
  }

  heard(event: string, [payload, offset]: readonly unknown[]): Place {
    const { id, operation } = this.#operation("send", event);
    return this.#matching(id, operation.messages, payload, offset === undefined ? undefined : { offset });
  }

  connects(auth: unknown, refused: unknown): Place {
    const { messages, reply } = this.root.operations.connect as Operation;
    if (refused !== undefined) return this.#matching("connect", reply?.messages ?? [], refused);
    return this.#matching("connect", messages, auth);
  }

  /** Every message of every operation. */
  places(): Place[] {
    return Object.entries(this.root.operations).flatMap(([id, { messages, reply }]) =>
      [...messages, ...(reply?.messages ?? [])].map((ref): Place => `${id}: ${this.#key(ref)}`),
    );
  }

  #operation(action: Operation["action"], event: string): { id: string; operation: Operation } {
    const fits = (isMatch: (channel: Channel) => boolean) =>
      Object.entries(this.root.operations).find(
        ([, operation]) =>
          operation.action === action && isMatch(this.resolve<Channel>(operation.channel.$ref).part),
      );
    const found = fits(({ address }) => address === event) ?? fits((channel) => hasParameter(channel, event));
    if (found === undefined) throw new Error(`no operation of the document ${action}s ${event}`);
    return { id: found[0], operation: found[1] };
  }

  #matching(id: string, refs: Ref[], payload: unknown, headers?: unknown): Place {
    const candidates = refs.map((ref) => ({ ref, violations: this.#violations(ref, payload, headers) }));
    const match = candidates.find(({ violations }) => violations.length === 0);
    if (match !== undefined) return `${id}: ${this.#key(match.ref)}`;
    throw new Error(`${id}: no message for ${JSON.stringify({ payload, headers, candidates })}`);
  }

  #violations(ref: Ref, payload: unknown, headers?: unknown): string[] {
    const { pointer, part } = this.resolve<Message>(ref.$ref);
    if ((part.headers === undefined) !== (headers === undefined)) return ["has an offset, or has none"];
    return [
      ...this.violations(`${pointer}/payload`, payload),
      ...(headers === undefined ? [] : this.violations(`${pointer}/headers`, headers)),
    ];
  }

  #key(ref: Ref): string {
    const { pointer } = this.resolve(ref.$ref);
    return pointer.slice(`${pointerTo("components", "messages")}/`.length);
  }
}

/** Names of events that an address like `{room}` stands for. */
function hasParameter({ address, parameters = {} }: Channel, event: string): boolean {
  const { examples } = parameters[/^\{(\w+)\}$/.exec(address ?? "")?.[1] ?? ""] ?? { examples: [] };
  return examples?.includes(event) ?? true;
}
