import { readFileSync } from "node:fs";
import * as limits from "../../src/protocol/limits";

interface Schema {
  $ref?: string;
  maxLength?: number;
  maxProperties?: number;
  properties?: Record<string, Schema>;
}

const schemasOf = (file: string) => JSON.parse(readFileSync(`schemas/${file}.json`, "utf8")) as unknown;
const payloads = (schemasOf("payloads") as { definitions: Record<string, Schema> }).definitions;
const events = (schemasOf("asyncapi") as { components: { schemas: Record<string, Schema> } }).components
  .schemas;

/** The name of a field, or `<type>.<field>` → its limit in limits.ts. */
const MAX_LENGTHS: Record<string, number> = {
  username: limits.MAX_USERNAME_LENGTH,
  "ChatMessage.message": limits.MAX_MESSAGE_LENGTH,
  "NewMessage.message": limits.MAX_MESSAGE_LENGTH,
  uuid: limits.MAX_UUID_LENGTH,
  avatar: limits.MAX_AVATAR_LENGTH,
  token: limits.MAX_TOKEN_LENGTH,
  "ChatRoom.label": limits.MAX_ROOM_FIELD_LENGTH,
  "ChatRoom.name": limits.MAX_ROOM_FIELD_LENGTH,
};

test.each([
  ["payloads.json", payloads],
  ["asyncapi.json", events],
])("the lengths in %s are those of limits.ts", (_name, schemas) => {
  const fields = Object.entries(schemas).flatMap(([type, { properties = {} }]) =>
    Object.entries(properties).map(([field, { maxLength }]) => ({ type, field, maxLength })),
  );
  const limited = fields.filter(({ type, field, maxLength }) => {
    const isKnown = field in MAX_LENGTHS || `${type}.${field}` in MAX_LENGTHS;
    return maxLength !== undefined || isKnown;
  });
  expect(limited.length).toBeGreaterThan(0);
  const expected = limited.map(({ type, field }) => {
    return { type, field, maxLength: MAX_LENGTHS[`${type}.${field}`] ?? MAX_LENGTHS[field] };
  });
  expect(limited).toEqual(expected);
  expect(schemas.Offset?.maxLength).toBe(limits.MAX_OFFSET_LENGTH);
});
