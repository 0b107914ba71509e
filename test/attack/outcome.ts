type Unit = "ms" | "s" | "MB" | "%" | "×" | "clients" | "sockets" | "bodies";

/** What one attack showed: its figures, and the limits that it broke. */
export class Outcome {
  /** One line per figure, in words. */
  readonly lines: string[] = [];
  /** The broken limits, in words; empty when all held. */
  readonly broken: string[] = [];

  /** Adds a figure that has no limit. */
  note(what: string, value: number, unit: Unit): void {
    this.lines.push(`${what}: ${format(value, unit)}`);
  }

  /** Adds a figure that must not exceed its limit, Infinity for none. NaN, a figure that could not be read, breaks none. */
  atMost(what: string, value: number, limit: number, unit: Unit): void {
    if (limit === Infinity) {
      this.note(what, value, unit);
      return;
    }
    const line = `${what}: ${format(value, unit)} (limit: ${format(limit, unit)})`;
    this.lines.push(line);
    if (value > limit) this.broken.push(line);
  }

  /** Adds a statement that must be true. `detail` follows the statement when it is not. */
  expect(statement: string, isTrue: boolean, detail = ""): void {
    const line = `${statement}: ${isTrue ? "yes" : `NO ${detail}`.trimEnd()}`;
    this.lines.push(line);
    if (!isTrue) this.broken.push(line);
  }
}

/** Memory is given in bytes and shown in MB, 10^6 bytes. */
function format(value: number, unit: Unit): string {
  const shown = unit === "MB" ? value / 1e6 : value;
  const digits = Math.abs(shown) < 10 && !Number.isInteger(shown) ? 1 : 0;
  return Number.isNaN(shown) ? "unknown" : `${shown.toFixed(digits)} ${unit}`.trimEnd();
}
