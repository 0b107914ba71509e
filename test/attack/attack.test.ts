import { ATTACKS } from "./attacks";
import { Outcome } from "./outcome";
import type { Store } from "./scene";
import { describeWithBinary } from "../support/binaries";

const TIMEOUT_MS = 120_000; // a broken limit may take long to show

function testsOn(store: Store): void {
  const attacks = ATTACKS.filter(({ stores }) => stores.includes(store));
  test.each(attacks)(
    "$name breaks no limit",
    async ({ run }) => {
      const outcome = new Outcome();
      await run({ store, size: "small", outcome });
      expect({ broken: outcome.broken, lines: outcome.lines }).toEqual({ broken: [], lines: outcome.lines });
    },
    TIMEOUT_MS,
  );
}

describe("an attack on the embedded log", () => testsOn("embedded"));
describeWithBinary("redis-server", "an attack on Redis", () => testsOn("redis"));
