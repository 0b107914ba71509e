/** `count` whole numbers, in order. */
export function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** As `range`, as texts: the messages that `sendNumbered` sends. */
export function numbers(count: number, from = 0): string[] {
  return range(count, from).map(String);
}
