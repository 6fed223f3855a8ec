import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import { limits } from '../domain/limits.ts';
import { toHeaderText } from './mail-address.ts';

/** What a mail says, rendered. */
export interface MailContent {
  /** One line. */
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

const views = fileURLToPath(new URL('./templates/', import.meta.url));
const plain = { views, cache: true, autoEscape: false } as const;
const htmlEngine = new Eta({ views, cache: true, autoEscape: true, defaultExtension: '.html.eta' });
const textEngine = new Eta({ ...plain, defaultExtension: '.text.eta' });
const subjectEngine = new Eta({ ...plain, defaultExtension: '.subject.eta' });

/**
 * Renders the three files `<name>.subject.eta`, `<name>.html.eta` and `<name>.text.eta` of `templates/`. In HTML every
 * value is escaped; the subject becomes one line.
 * @param name of a template, never from outside
 * @throws RangeError when the result is larger than a mail may be
 */
export function renderMail(name: string, data: object): MailContent {
  const subject = toHeaderText(subjectEngine.render(`./${name}`, data), limits.mailSubjectCharacters);
  const html = htmlEngine.render(`./${name}`, { ...data, subject });
  const text = `${textEngine.render(`./${name}`, data).trim()}\n`;
  if (Buffer.byteLength(html) + Buffer.byteLength(text) > limits.mailBytes)
    throw new RangeError(`The mail '${name}' has more than ${limits.mailBytes} bytes`);
  return { subject, html, text };
}

/** A moment as people read it, in UTC: `21 November 2026, 02:05 UTC`. */
export function formatMoment(moment: Date): string {
  const text = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: 'UTC',
  }).format(moment);
  return `${text.replace(' at ', ', ')} UTC`;
}

/** The end of an id, short enough for a subject. */
export function formatReference(id: string): string {
  return id.slice(-8).toUpperCase();
}
