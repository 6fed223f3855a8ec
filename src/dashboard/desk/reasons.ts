/** Common reasons to reject, each with its key; the auditor adds what is particular. */
export const rejectionReasons: readonly string[] = [
  'A document cannot be read',
  'A document has expired',
  'A document is missing',
  'Names do not match',
  'The address does not match',
  'Signs of forgery',
];
