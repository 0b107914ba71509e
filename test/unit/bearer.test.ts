import { bearerToken } from "../../src/access/request";

test.each([
  ["Bearer abc", "abc"],
  ["bearer   abc  ", "abc"],
  ["BEARER a.b-c_d", "a.b-c_d"],
  ["Bearer", undefined],
  ["Bearer ", undefined],
  ["Bearer a b", undefined],
  ["xBearer abc", undefined],
  ["Basic abc", undefined],
  ["", undefined],
  [undefined, undefined],
])("the header %j has the token %j", (authorization, token) => {
  expect(bearerToken({ headers: authorization === undefined ? {} : { authorization } })).toBe(token);
});
