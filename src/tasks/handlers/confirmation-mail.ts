import { toMailAddress } from '../../mail/mail-address.ts';
import { formatMoment, formatReference, renderMail } from '../../mail/templates.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { defineTask } from '../task-handler.ts';
import type { CasePayload, CaseReader } from './case-payload.ts';
import { findTaskCase, parseCasePayload } from './case-payload.ts';
import type { MailParts } from './deliver-mail.ts';
import { deliverMail, mailTaskLimits } from './deliver-mail.ts';

/** `confirmation-mail` with payload `{ caseId }`: tells the applicant that the case was registered. */
export function createConfirmationMail(parts: MailParts & { readonly cases: CaseReader }): AnyTaskHandler {
  return defineTask<CasePayload>({
    kind: 'confirmation-mail',
    internal: true,
    ...mailTaskLimits(parts),
    ofCase: { on: 'REGISTERED', payloads: ({ caseId }) => [{ caseId }] },
    parsePayload: parseCasePayload,
    async run({ caseId }, { namespace, signal }) {
      const { applicant, registeredAt } = await findTaskCase(parts.cases, caseId, namespace);
      const render = async () =>
        renderMail('confirmation', {
          applicantName: applicant.name,
          caseId,
          reference: formatReference(caseId),
          registeredAt: formatMoment(registeredAt),
          documents: await parts.cases.documents(caseId),
        });
      const to = toMailAddress(applicant.email, applicant.name);
      const mail = { namespace, key: `case/${caseId}/confirmation`, aboutId: caseId, to, render };
      return deliverMail(parts, mail, signal);
    },
  });
}
