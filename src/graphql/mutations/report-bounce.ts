import { bounceRefusals } from '../../mail/bounces/take-bounce.ts';
import type { MailRecord } from '../../mail/mail-record.ts';
import { mailReaders } from '../../mail/read-mails.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { MailRef } from '../types/mail.ts';

const BounceRefusalEnum = builder.enumType('BounceRefusal', {
  values: bounceRefusals,
  description:
    'NO_REPORT: it is no delivery report. NO_FAILURE: it tells of a delay or a delivery. UNKNOWN_MAIL: it names no mail that is known here.',
});

interface BounceTakenShape {
  readonly kind: 'BounceTaken';
  readonly mail: MailRecord;
}

const BounceTaken = builder.objectRef<BounceTakenShape>('BounceTaken').implement({
  description: 'The mail is marked. The digests of its recipient stop.',
  fields: (t) => ({ mail: t.expose('mail', { type: MailRef }) }),
});

interface BounceNotTakenShape extends ProblemShape {
  readonly kind: 'BounceNotTaken';
  readonly refusal: (typeof bounceRefusals)[number];
}

const BounceNotTaken = builder.objectRef<BounceNotTakenShape>('BounceNotTaken').implement({
  interfaces: [Problem],
  description: 'Nothing was changed.',
  fields: (t) => ({ refusal: t.expose('refusal', { type: BounceRefusalEnum }) }),
});

type Shape = BounceTakenShape | BounceNotTakenShape;

const ReportBounceResult = builder.unionType('ReportBounceResult', {
  types: [BounceTaken, BounceNotTaken],
  resolveType: (value) => (value as Shape).kind,
});

const ReportBounceInput = builder.inputType('ReportBounceInput', {
  fields: (t) => ({
    message: t.field({
      type: 'Base64',
      required: true,
      description:
        'The whole bounce message (RFC 3464), at most 500,000 bytes. What is cut off behind its report is not needed.',
    }),
  }),
});

builder.mutationField('reportBounce', (t) =>
  t.field({
    type: ReportBounceResult,
    description: 'Takes a bounce message that came back for a mail. The same one twice is fine.',
    authScopes: { roles: mailReaders },
    args: { input: t.arg({ type: ReportBounceInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.takeBounce(actor, input.message);
      if (result.kind === 'taken') return { kind: 'BounceTaken', mail: result.mail };
      return {
        kind: 'BounceNotTaken',
        code: 'BOUNCE_NOT_TAKEN',
        message: 'The message changes nothing',
        retryable: false,
        refusal: result.refusal,
      };
    },
  }),
);
