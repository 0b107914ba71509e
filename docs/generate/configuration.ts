import { alignedTable } from "../../bench/report/alignedTable";
import { VARIABLES } from "../../src/config";

const TITLE = ["Variable", "Type", "Unit", "Default", "Description"];
const TABLE = /^\{\{(\w+)\}\}$/gm;

/**
 * docs/CONFIGURATION.md: the template, with each `{{NAME}}` replaced by a table of the variables from NAME to the one
 * before the next `{{NAME}}`. Throws unless the tables have every variable once.
 */
export function configurationDocument(template: string): string {
  const names = Object.keys(VARIABLES);
  const starts = [...template.matchAll(TABLE)].map(([, name = ""]) => names.indexOf(name));
  const isComplete = starts[0] === 0 && starts.every((start, index) => start > (starts[index - 1] ?? -1));
  if (!isComplete) throw new Error("configuration.template.md does not have the order of the variables");
  const rows = Object.entries(VARIABLES).map(([name, variable]) => {
    const { type, unit = "", defaultText, description } = variable;
    return [`\`${name}\``, type, unit, defaultText, description].map((cell) => cell.replaceAll("|", "\\|"));
  });
  const tables = starts.map((start, index) => alignedTable([TITLE, ...rows.slice(start, starts[index + 1])]));
  return template.replace(TABLE, () => tables.shift() ?? "");
}
