/**
 * A Markdown table from its rows, title row first, aligned as prettier aligns it. With `numbers` all columns but the
 * first are aligned to the right.
 */
export function alignedTable(rows: readonly (readonly string[])[], { numbers = false } = {}): string {
  const [title = [], ...rest] = rows;
  const widths = title.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const isRight = (column: number): boolean => numbers && column > 0;
  const rule = widths.map((width, column) =>
    isRight(column) ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  const padded = (row: readonly string[]): string[] =>
    widths.map((width, column) => {
      const cell = row[column] ?? "";
      return isRight(column) ? cell.padStart(width) : cell.padEnd(width);
    });
  return [padded(title), rule, ...rest.map(padded)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
