import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "./json";

interface Package {
  version: string;
  license: string;
}

const FILE = join(__dirname, "../../package.json");
const { version, license } = JSON.parse(readFileSync(FILE, "utf8")) as Package;

export const LICENSE = license;

/** What both documents say of the service. */
export function about(description: string): Json {
  return { title: "Realtime chat service", version, description, license: { name: license } };
}
