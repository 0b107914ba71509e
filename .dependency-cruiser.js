/**
 * The layers of src, top first (CONTRIBUTING.md). An import goes down this list or stays in its folder. Type imports
 * count, too.
 */
const LAYERS = [
  "main.ts",
  "index.ts",
  "app.ts",
  "backend.ts",
  "config.ts",
  "config/",
  "chat/",
  "http/",
  "incoming/",
  "delivery/",
  "connections/",
  "messageLog/",
  "presence/",
  "nodes/",
  "redis/",
  "access/",
  "observability/",
  "protocol/",
];

const pathOf = (layer) => `^src/${layer.replace(".", "\\.")}`;

const downOnly = LAYERS.slice(1).map((layer, index) => ({
  name: `imports-go-down-from-${layer.replace(/\W/g, "-")}`,
  severity: "error",
  from: { path: pathOf(layer) },
  to: { path: LAYERS.slice(0, index + 1).map(pathOf) },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...downOnly,
    {
      name: "client-sees-protocol-only",
      severity: "error",
      from: { path: "^src/client/" },
      to: { path: "^src/", pathNot: "^src/(client|protocol)/" },
    },
    {
      name: "web-sees-client-and-protocol-only",
      severity: "error",
      from: { path: "^src/web/" },
      to: { path: "^src/", pathNot: "^src/(web|client|protocol)/" },
    },
    {
      name: "server-sees-neither-client-nor-web",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(client|web)/" },
      to: { path: "^src/(client|web)/" },
    },
    {
      name: "every-file-has-a-layer",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: [...LAYERS.map(pathOf), "^src/(client|web)/"] },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".mts", ".js", ".json", ".d.ts"],
      exportsFields: ["exports"],
      conditionNames: ["types", "import", "require", "node", "default"],
    },
  },
};
