import { existsSync, readFileSync } from "node:fs";
import { loadConfig, VARIABLES as KNOWN } from "../../src/config";

const read = (file: string) => readFileSync(file, "utf8");
const PACKAGE = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
const APP = JSON.parse(read("app.json")) as { env: Record<string, unknown>; formation: object };
const DOCKERFILE = read("Dockerfile");
const COMPOSE = read("compose.yaml");
const NGINX = read("docs/nginx.conf");

const NOT_OURS = ["NODE_ENV"]; // Express reads it

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, first]) => first ?? "");
}

/** The lines of a service in compose.yaml; where it is an alias of another service, that one's lines. */
function service(name: string): string {
  const body = new RegExp(`^  ${name}:(.*(?:\\n(?: {3,}.*)?)*)`, "m").exec(COMPOSE)?.[1] ?? "";
  const alias = /^ \*(\S+)/.exec(body)?.[1];
  if (alias === undefined) return body;
  return service(matches(COMPOSE, new RegExp(`^  (\\S+): &${alias}$`, "gm"))[0] ?? "");
}

function serviceNames(): string[] {
  const services = /^services:\n([^]*?)^\S/m.exec(COMPOSE)?.[1] ?? "";
  return matches(services, /^ {2}([a-z0-9-]+):/gm);
}

const VARIABLES = [
  ...Object.keys(APP.env).map((name) => ["app.json", name]),
  ...matches(DOCKERFILE, /^ENV (.*)/gm)
    .flatMap((line) => matches(line, /(\w+)=/g))
    .map((name) => ["Dockerfile", name]),
  ...matches(DOCKERFILE, /process\.env\.(\w+)/g).map((name) => ["Dockerfile", name]),
  ...matches(COMPOSE, /^ {6}([A-Z_]+):/gm).map((name) => ["compose.yaml", name]),
  ...matches(COMPOSE, /\$\{([A-Z_]+)/g).map((name) => ["compose.yaml", name]),
];

test.each(VARIABLES)("%s: the service knows %s", (_file, name) => {
  expect([...Object.keys(KNOWN), ...NOT_OURS]).toContain(name);
});

test("every file sets the variables that its platform needs", () => {
  const setBy = (file: string) => VARIABLES.filter(([where]) => where === file).map(([, name]) => name);
  expect(setBy("app.json")).toEqual(["ALLOWED_ORIGINS", "TRUST_PROXY", "REDIS_TLS_VERIFY", "METRICS_TOKEN"]);
  expect(setBy("Dockerfile")).toEqual(["NODE_ENV", "DATA_DIR", "PORT"]);
  expect(setBy("compose.yaml")).toEqual(
    expect.arrayContaining(["ALLOWED_ORIGINS", "TRUST_PROXY", "REDIS_URL"]),
  );
});

test("app.json has only keys that Heroku knows", () => {
  const known = "name description keywords website repository logo success_url scripts env formation addons buildpacks environments stack image"; // prettier-ignore
  expect(Object.keys(APP).filter((key) => !known.split(" ").includes(key))).toEqual([]);
  for (const entry of Object.values(APP.env)) expect(entry).toHaveProperty("description");
  expect(Object.keys(APP.formation)).toEqual(matches(read("Procfile"), /^(\w+):/gm));
});

test("Heroku, Docker and npm start the same file, which the build writes", () => {
  const [entry = ""] = matches(PACKAGE.scripts.start ?? "", /^(?:exec )?node (\S+)$/g);
  expect(existsSync(entry.replace(/^dist\/(.*)\.js$/, "src/$1.ts"))).toBe(true);
  expect(read("Procfile").trim()).toBe(`web: node ${entry}`);
  expect(matches(DOCKERFILE, /^CMD (.*)/gm).map((command): unknown => JSON.parse(command))).toEqual([
    ["node", entry],
  ]);
  expect(PACKAGE.scripts.build).toMatch(/^tsc -p src\b/);
});

describe("Dockerfile", () => {
  const [build = "", production = ""] = DOCKERFILE.split(/^(?=FROM )/m);

  test("builds in one stage and runs in another, on the same image", () => {
    const images = matches(DOCKERFILE, /^FROM (\S+)/gm);
    expect(images).toHaveLength(2);
    expect(new Set(images).size).toBe(1);
    expect(build).toMatch(/^FROM \S+ AS build$/m);
    expect(build).toMatch(/^RUN npm ci$/m);
    expect(build).toMatch(/^RUN npm run build$/m);
    expect(production).toMatch(/^RUN npm ci --omit=dev\b/m);
    expect(production).toMatch(/^COPY --from=build \/app\/dist dist$/m);
  });

  test("runs as an unprivileged user that owns its data, on the default port", () => {
    expect(production).toMatch(/^USER node$/m);
    expect(production).toMatch(/chown node:node \/data$/m);
    expect(matches(production, /^VOLUME (.*)/gm)).toEqual(matches(production, /\bDATA_DIR=(\S+)/g));
    expect(matches(production, /^EXPOSE (.*)/gm)).toEqual([String(loadConfig({}).port)]);
  });

  test("checks the service's health at /healthz on the default port", () => {
    const [check = ""] = matches(production, /^HEALTHCHECK [^]*?CMD (.*)$/gm);
    const [command, , script] = JSON.parse(check) as string[];
    expect(command).toBe("node");
    expect(script).toContain(`process.env.PORT || ${String(loadConfig({}).port)}) + '/healthz'`);
  });

  test("copies only files that .dockerignore lets pass", () => {
    const passing = matches(read(".dockerignore"), /^!(.*)/gm);
    for (const file of ["package.json", "package-lock.json", "tsconfig.json", "src", "schemas"])
      expect(passing).toContain(file);
  });
});

describe("compose.yaml and docs/nginx.conf", () => {
  const upstream = matches(NGINX, /^ +server (\S+:\d+)/gm);

  test("name the same nodes and the port that they listen on", () => {
    const nodes = serviceNames().filter((name) => service(name).includes("build: ."));
    expect(nodes).toHaveLength(2);
    expect(upstream).toEqual(nodes.map((name) => `${name}:${String(loadConfig({}).port)}`));
  });

  test("agree on nginx's port and file", () => {
    const [published = ""] = matches(service("nginx"), /"\d+:(\d+)"/g);
    expect(matches(NGINX, /^ +listen (\d+);/gm)).toEqual([published]);
    expect(service("nginx")).toContain("./docs/nginx.conf:/etc/nginx/nginx.conf:ro");
  });

  test("give every node time to drain, its proxy and an existing Redis", () => {
    for (const name of ["chat-1", "chat-2"]) {
      expect(service(name)).toMatch(/stop_grace_period: 30s/);
      expect(service(name)).toMatch(/TRUST_PROXY: "1"/);
      const [host = ""] = matches(service(name), /REDIS_URL: redis:\/\/(\S+):6379$/gm);
      expect(serviceNames()).toContain(host);
    }
  });

  test("keep the data of Redis", () => {
    expect(service("redis")).toMatch(/--appendonly yes\b.* --maxmemory-policy noeviction\b/);
    expect(service("redis")).toMatch(/healthcheck:/);
    expect(service("redis")).toMatch(/redis-data:\/data/);
  });
});
