import type { HistoricalMessage } from "../../src/protocol/events";

/** A stored message whose uuid, text and offset derive from its number, changed by `overrides`. */
export function historicalMessage(
  number: number,
  overrides: Partial<HistoricalMessage> = {},
): HistoricalMessage {
  return {
    username: "ana",
    message: String(number),
    uuid: `uuid ${String(number)}`,
    chatRoom: { label: "Cooking", name: "/cooking" },
    serverTimestamp: new Date(number).toISOString(),
    offset: `offset ${String(number)}`,
    ...overrides,
  };
}

/** Messages numbered from `from` to `to`, both included. */
export function historicalMessages(from: number, to: number): HistoricalMessage[] {
  return Array.from({ length: to - from + 1 }, (_, i) => historicalMessage(from + i));
}
