/*
 * A program, started by integrity.ts: reads every record of the LMDB environment at the path in its first argument.
 * Exits with 0 if all are readable, and with anything else (also by a signal) if the environment is damaged.
 */
import { open, type Database } from "lmdb";
import { DATABASES } from "./blockStore";

const names = Object.values(DATABASES);
const root = open({ path: String(process.argv[2]), readOnly: true, maxDbs: names.length });
let count = 0;
let isComplete = true;
for (const name of names) {
  const database = root.openDB({ name, encoding: "string" }) as Database<unknown> | undefined;
  isComplete &&= database !== undefined;
  for (const { value } of database?.getRange() ?? []) {
    if (typeof value !== "string") process.exit(1);
    count += 1;
  }
}
// A first start that was killed may have left some databases out, but then the others are still empty.
if (!isComplete && count > 0) process.exit(1);
