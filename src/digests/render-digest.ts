import type { DigestItemKind, DigestRecord, RecipientRecord, RequestRecord } from '../domain/digest.ts';
import { outcomeWords } from '../domain/digest.ts';
import { limits } from '../domain/limits.ts';
import type { MailContent } from '../mail/templates.ts';
import { renderMail } from '../mail/templates.ts';
import { answerLinkExpiry, signAnswerLink } from './answer-link.ts';
import type { DigestStore } from './digest-store.ts';

export interface RenderDigestDependencies {
  readonly store: DigestStore;
  readonly urlSecret: string;
  readonly publicUrl: string;
}

/** One part of a digest, as a mail. */
export type RenderDigest = (digest: DigestRecord, recipient: RecipientRecord, part: number) => Promise<MailContent>;

interface Section {
  readonly title: string;
  readonly lines: readonly {
    readonly item: string;
    readonly description: string | null;
    readonly quantity: number;
    readonly who: string;
    readonly answer: string | null;
    readonly note: string | null;
    readonly id: string;
  }[];
}

const providerTitles = [
  ['REQUEST', 'New requests'],
  ['REMINDER', 'Still without an answer'],
  ['CANCELLED', 'Taken back: please do nothing more about these'],
] as const;
const customerTitles = [
  ['ANSWER', 'Answers to your requests'],
  ['FOLLOW_UP', 'No answer yet: we have asked again'],
  ['CLOSED', 'Closed without an answer'],
] as const;

/** Renders digests. It holds one part at a time in memory, however large the digest is. */
export function createRenderDigest({ store, urlSecret, publicUrl }: RenderDigestDependencies): RenderDigest {
  return async (digest, recipient, part) => {
    const items = await store.itemsOf(digest.id, digest.parts === null ? null : part, null, limits.digestItemsPerMail);
    const requests = await Promise.all(items.map((item) => store.getRequest(item.requestId)));
    const toProvider = digest.direction === 'TO_PROVIDER';
    const providerNames = toProvider ? noNames : await nameProviders(store, requests);
    const byKind = Map.groupBy(
      items.map((item, index) => ({ kind: item.kind, request: requests[index]! })),
      (entry) => entry.kind,
    );
    const titles: readonly (readonly [DigestItemKind, string])[] = toProvider ? providerTitles : customerTitles;
    const sections = titles.flatMap(([kind, title]): Section[] => {
      const entries = byKind.get(kind);
      if (entries === undefined) return [];
      return [
        {
          title,
          lines: entries.map(({ request }) =>
            toLine(request, toProvider ? customerOf(request) : providerNames.get(request.providerId)!),
          ),
        },
      ];
    });
    const answerable = toProvider && (byKind.has('REQUEST') || byKind.has('REMINDER'));
    const parts = digest.parts ?? 1;
    return renderMail(toProvider ? 'digest-to-provider' : 'digest-to-customer', {
      // Customers know nothing of the ids under which they are kept.
      name: recipient.name ?? (toProvider ? recipient.externalId : null),
      count: digest.itemCount,
      number: digest.number,
      partText: parts > 1 ? `part ${part} of ${parts}` : null,
      from: formatLocal(digest.windowStart, recipient.timeZone),
      until: formatLocal(digest.windowEnd, recipient.timeZone),
      timeZone: recipient.timeZone,
      sections,
      // An open digest has no content yet that could be answered.
      answerLink:
        answerable && digest.sealedAt !== null
          ? signAnswerLink(urlSecret, publicUrl, {
              digestId: digest.id,
              part,
              expiresAtSeconds: answerLinkExpiry(digest.sealedAt),
            })
          : null,
    });
  };
}

const noNames: ReadonlyMap<string, string> = new Map();

/** The names of the providers of some requests, by their ids. */
async function nameProviders(
  store: DigestStore,
  requests: readonly RequestRecord[],
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(requests.map(({ providerId }) => providerId))];
  const providers = await Promise.all(ids.map((id) => store.getRecipient(id)));
  return new Map(providers.map(({ id, name, externalId }) => [id, name ?? externalId]));
}

function customerOf({ customer }: RequestRecord): string {
  return customer.name ?? customer.externalId;
}

function toLine(request: RequestRecord, who: string): Section['lines'][number] {
  return {
    item: request.item.externalId,
    description: request.item.description,
    quantity: request.item.quantity,
    who,
    answer: request.answer === null ? null : outcomeWords[request.answer.outcome],
    note: request.answer?.note ?? null,
    id: request.id,
  };
}

function formatLocal(moment: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(moment);
}
