import type { RequestOutcome } from '../graphql/documents.ts';

/** Answers of providers, in the words of the mails and of the page behind their link. */
const outcomeWords: Readonly<Record<RequestOutcome, string>> = {
  AVAILABLE: 'Available',
  UNAVAILABLE: 'Not available',
  DELAYED: 'Available later',
  ALTERNATIVE: 'An alternative is offered',
};

export function describeOutcome(outcome: RequestOutcome): string {
  return outcomeWords[outcome];
}

/** An outcome in the place of a reason; any other text stays as it is. */
export function describeReason(reason: string): string {
  return (outcomeWords as Readonly<Record<string, string>>)[reason] ?? reason;
}
