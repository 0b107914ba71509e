import { Random } from "../support/random";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { crashRounds } from "./rounds";

test("acked messages survive kill -9 under load, once and in order, and clients resume without a gap", async () => {
  const random = new Random();
  const lines = [`seed ${String(random.seed)}`];
  const report = (line: string) => void lines.push(line);
  const wrong = await crashRounds({ rounds: 3, random, dataDir: temporaryDirectory(), report });
  expect({ wrong, lines: wrong.length > 0 ? lines : [] }).toEqual({ wrong: [], lines: [] });
}, 60_000);
