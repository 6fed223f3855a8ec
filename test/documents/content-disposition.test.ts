import { expect, it } from 'vitest';
import { formatContentDisposition } from '../../src/documents/content-disposition.ts';

it.each([
  ['passport.pdf', `inline; filename="passport.pdf"; filename*=UTF-8''passport.pdf`],
  ['my "best" file.pdf', `inline; filename="my _best_ file.pdf"; filename*=UTF-8''my%20%22best%22%20file.pdf`],
  ["it's (1)*.pdf", `inline; filename="it's (1)*.pdf"; filename*=UTF-8''it%27s%20%281%29%2A.pdf`],
  [
    'Résumé 中 😀.pdf',
    `inline; filename="R_sum_ _ _.pdf"; filename*=UTF-8''R%C3%A9sum%C3%A9%20%E4%B8%AD%20%F0%9F%98%80.pdf`,
  ],
  ['100%41;x.pdf', `inline; filename="100_41;x.pdf"; filename*=UTF-8''100%2541%3Bx.pdf`],
  ['a\r\nSet-Cookie: b.pdf', `inline; filename="a__Set-Cookie: b.pdf"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b.pdf`],
  ['back\\slash\ud800.pdf', `inline; filename="back_slash_.pdf"; filename*=UTF-8''back%5Cslash%EF%BF%BD.pdf`],
])('writes %j', (fileName, header) => {
  expect(formatContentDisposition('inline', fileName)).toBe(header);
  expect(header).toMatch(/^[\x20-\x7e]*$/);
});
