import { REFUSALS } from "../../src/protocol/refusals";
import { EVENTS } from "../../src/protocol/events";
import type { Dialogue, Step } from "./dialogue";
import type { Json } from "./json";
import { REFUSAL_KEYS } from "./refusals";

interface Example {
  name: string;
  summary: string;
  headers?: Json;
  payload: unknown;
}

/** The messages of a document, each with its examples: what the dialogues have of it. */
export class ChatMessages {
  readonly all: Record<string, Json> = {};
  /** message → its examples */
  readonly #examples = new Map<string, Example[]>();

  constructor(dialogues: readonly Dialogue[]) {
    for (const { name, summary, steps } of dialogues)
      for (const step of steps)
        for (const [key, example] of messagesOf(step)) this.#keep(key, { name, summary, ...example });
  }

  /** Returns its key. What is known under the key already stays as it is. */
  add(key: string, message: Json): string {
    this.all[key] ??= { name: key, ...message, examples: this.#examples.get(key) ?? [] };
    return key;
  }

  /** Many dialogues have the same message: the first is example enough. */
  #keep(key: string, example: Example): void {
    const examples = this.#examples.get(key) ?? [];
    const content = ({ headers, payload }: Example) => JSON.stringify([headers, payload]);
    if (!examples.some((other) => content(other) === content(example))) examples.push(example);
    this.#examples.set(key, examples);
  }
}

type Content = Pick<Example, "headers" | "payload">;

/** Which messages a step shows. What does not fit its schema is no example of it. */
function messagesOf(step: Step): [key: string, content: Content][] {
  if ("connects" in step) {
    if (step.refused !== undefined)
      return [[`connect_error.${refusalKey(step.refused.message)}`, { payload: step.refused }]];
    return step.connects.auth === undefined ? [] : [["handshake", { payload: step.connects.auth }]];
  }
  if ("sends" in step) {
    const { sends, payload, ack, isValid } = step;
    const key = isKnown(sends) ? sends : "unknown_event";
    return [
      ...(isValid ? [[key, { payload }] as [string, Content]] : []),
      ...(ack === undefined ? [] : [[answerKey(ack) ?? `${key}.ack`, { payload: ack }] as [string, Content]]),
    ];
  }
  if (!("hears" in step)) return [];
  const { hears, payload, offset } = step;
  if (offset !== undefined) return [["room.withOffset", { headers: { offset }, payload }]];
  return [[answerKey(payload) ?? (isKnown(hears) ? hears : "room"), { payload }]];
}

function isKnown(event: string): boolean {
  return Object.values<string>(EVENTS).includes(event);
}

/** Undefined: it is no refusal. */
function answerKey(answer: unknown): string | undefined {
  const { error } = answer as { error: { message: string } | null };
  return error === null ? undefined : `refusal.${refusalKey(error.message)}`;
}

function refusalKey(message: string): string {
  return REFUSAL_KEYS.find((key) => REFUSALS[key].message === message) ?? message;
}
