import type { AnyTaskHandler } from '../task-handler.ts';
import type { AuditExportParts } from './audit-export.ts';
import { createAuditExport } from './audit-export.ts';
import { createConfirmationMail } from './confirmation-mail.ts';
import { createDecisionMail } from './decision-mail.ts';
import type { MailParts } from './deliver-mail.ts';
import type { DocumentCheckParts } from './document-check.ts';
import { createDocumentCheck } from './document-check.ts';
import type { WebhookParts } from './webhook.ts';
import { createWebhook } from './webhook.ts';

/** What handlers stand on. */
export type TaskHandlerParts = DocumentCheckParts & WebhookParts & MailParts & AuditExportParts;

/** Every kind of task that this program can run: a new one is a file beside this one, and a line here. */
export function createTaskHandlers(parts: TaskHandlerParts): readonly AnyTaskHandler[] {
  return [
    createAuditExport(parts),
    createConfirmationMail(parts),
    createDecisionMail(parts),
    createDocumentCheck(parts),
    createWebhook(parts),
  ];
}
