/** The two statistics the report needs. */

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** The quantile in [0, 1], interpolated between the two nearest ranks; NaN without values. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (sorted.length - 1) * share;
  const below = sorted[Math.floor(rank)] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}
