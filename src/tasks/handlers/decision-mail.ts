import { toMailAddress } from '../../mail/mail-address.ts';
import { formatMoment, formatReference, renderMail } from '../../mail/templates.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { defineTask, FatalTaskError } from '../task-handler.ts';
import type { CasePayload, CaseReader } from './case-payload.ts';
import { findTaskCase, parseCasePayload } from './case-payload.ts';
import type { MailParts } from './deliver-mail.ts';
import { deliverMail, mailTaskLimits } from './deliver-mail.ts';

/**
 * `decision-mail` with payload `{ caseId }`: tells the applicant how the case was decided. Who decided it and the reason
 * are not for applicants, so the template is not even given them.
 */
export function createDecisionMail(parts: MailParts & { readonly cases: CaseReader }): AnyTaskHandler {
  return defineTask<CasePayload>({
    kind: 'decision-mail',
    internal: true,
    ...mailTaskLimits(parts),
    ofCase: { on: 'DECIDED', payloads: ({ caseId }) => [{ caseId }] },
    parsePayload: parseCasePayload,
    async run({ caseId }, { namespace, signal }) {
      const { applicant, registeredAt, decision } = await findTaskCase(parts.cases, caseId, namespace);
      if (decision === null) throw new FatalTaskError('The case has not been decided');
      const render = () =>
        renderMail('decision', {
          applicantName: applicant.name,
          caseId,
          reference: formatReference(caseId),
          registeredAt: formatMoment(registeredAt),
          decidedAt: formatMoment(decision.decidedAt),
          verdict: decision.verdict,
        });
      const to = toMailAddress(applicant.email, applicant.name);
      const mail = { namespace, key: `case/${caseId}/decision`, aboutId: caseId, to, render };
      return deliverMail(parts, mail, signal);
    },
  });
}
