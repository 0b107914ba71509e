import { VARIABLE_GROUPS } from "../../src/config";
import type { Variable } from "../../src/config/variable";
import { alignedTable } from "../../bench/report/alignedTable";

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs\` from the table in src/config.ts. Change that table, not this file. -->

All configuration comes from environment variables. A variable that is set but empty counts as not set; only \`JWT_SECRET\`
and \`JWKS_URL\` must not be empty. A variable that cannot be used stops the start with exit code 1 and one line that names
it. The line does not show secrets.
`;

/** docs/CONFIGURATION.md: a table for each group of variables. */
export function configurationDocument(): string {
  const groups = Object.entries<Readonly<Record<string, Variable<unknown>>>>(VARIABLE_GROUPS);
  const sections = groups.map(([heading, variables]) => {
    const rows = Object.entries(variables).map(([name, variable]) => row(name, variable));
    return `## ${heading}\n\n${alignedTable([["Variable", "Type", "Unit", "Default", "Description"], ...rows])}\n`;
  });
  return [INTRODUCTION, ...sections].join("\n");
}

function row(name: string, { type, unit = "", defaultText, description }: Variable<unknown>): string[] {
  return [`\`${name}\``, type, unit, defaultText, description].map((cell) => cell.replaceAll("|", "\\|"));
}
