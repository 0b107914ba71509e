import { attack } from "./attack";
import { Random } from "../support/random";
import { ServiceProcess } from "../support/serviceProcess";

test("thousands of mutated frames neither kill the service nor keep honest clients waiting", async () => {
  const service = await ServiceProcess.start();
  const { pid } = service.child;
  await attack(service.url, 4_000, new Random(20_261_122));
  expect(service.child.exitCode).toBeNull();
  expect(service.stderr).toBe("");
  const errors = service.lines.filter(({ level }) => Number(level) >= 50);
  expect(errors).toEqual([]);
  service.child.kill("SIGTERM");
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(pid).toBe(service.child.pid);
});
