import { Random } from "../support/random";
import { ServiceProcess } from "../support/serviceProcess";
import { attack } from "./attack";

test("thousands of mutated frames neither end the service nor delay other clients", async () => {
  const service = await ServiceProcess.start();
  await attack(service.url, 4_000, new Random(20_261_122));
  expect(service.child.exitCode).toBeNull();
  expect(service.child.signalCode).toBeNull();
  expect(service.stderr).toBe("");
  const errors = service.lines.filter(({ level }) => Number(level) >= 50);
  expect(errors).toEqual([]);
  service.child.kill("SIGTERM");
  expect(await service.exited).toEqual({ code: 0, signal: null });
});
