/*
 * npm run attack -- [--only name …] [--store embedded|redis|both] [--size small|full]
 *
 * Attacks the compiled service within its default limits, from at most 200 connections of one machine, and prints what
 * two honest clients noticed, what it cost, and which limit broke. The exit code is 1 if any broke. `--only` may be
 * repeated. Default: every attack, on both stores, at full size.
 */
import { parseArgs } from "node:util";
import { disposeOfAll } from "../support/disposal";
import { ATTACKS } from "./attacks";
import { Outcome } from "./outcome";
import type { Attack, Size, Store } from "./scene";

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    store: { type: "string", default: "both" },
    size: { type: "string", default: "full" },
  },
});

async function main(): Promise<number> {
  const stores = oneOf<Store | "both">("--store", values.store, ["embedded", "redis", "both"]);
  const size = oneOf<Size>("--size", values.size, ["small", "full"]);
  const names = values.only?.map((name) => oneOf("--only", name, ATTACKS.map((attack) => attack.name))); // prettier-ignore
  let hasBroken = false;
  for (const attack of ATTACKS.filter(({ name }) => names?.includes(name) ?? true))
    for (const store of attack.stores.filter((each) => stores === "both" || stores === each))
      if (!(await holds(attack, store, size))) hasBroken = true;
  return hasBroken ? 1 : 0;
}

/** Prints the outcome of one attack. */
async function holds(attack: Attack, store: Store, size: Size): Promise<boolean> {
  print(`${attack.name}, ${store === "redis" ? "Redis" : "embedded log"}`);
  const outcome = new Outcome();
  await attack.run({ store, size, outcome }).finally(disposeOfAll);
  for (const line of outcome.lines) print(`  ${line}`);
  print(outcome.broken.length === 0 ? "  held" : `  BROKE: ${outcome.broken.join("; ")}`);
  return outcome.broken.length === 0;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Error(`${option} must be one of ${allowed.join(", ")}`);
  return found;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
    process.exit(1);
  },
);
