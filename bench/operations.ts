import { writePost } from './http-caller.ts';

/**
 * The three mutations as the drivers send them, to the gateway and to the floors alike. Ids and tokens have a fixed
 * length, so a request is a ready text with holes in it.
 */

export const namespace = 'bench';
export const topic = 'cases';
export const system = 'cases';

const idHole = '00000000-0000-7000-8000-000000000000';
const tokenHole = '11111111-1111-4111-8111-111111111111';
const uuidLength = idHole.length;

const registerText = `mutation Register($input: RegisterInput!) {
  register(input: $input) {
    __typename
    ... on CaseRegistered { case { id status priority registeredAt } }
    ... on Problem { code message }
  }
}`;

const claimText = `mutation Claim($input: ClaimNextCaseInput!) {
  claimNextCase(input: $input) {
    __typename
    ... on CaseClaimed {
      case { id status priority registeredAt applicant { name email } }
      lease { token expiresAt }
    }
    ... on Problem { code message }
  }
}`;

const decideText = `mutation Decide($input: DecideInput!) {
  decide(input: $input) {
    __typename
    ... on CaseDecided { case { id status decision { verdict decidedAt } } }
    ... on Problem { code message }
  }
}`;

const submitText = `mutation Submit($input: SubmitRequestInput!) {
  submitRequest(input: $input) {
    __typename
    ... on RequestSubmitted { request { id status submittedAt followUpAt } }
    ... on Problem { code message }
  }
}`;

export const applicant = { name: 'Ada Example', email: 'ada@example.org' } as const;

/** A request that registers a case with one document. */
export function prepareRegister(token: string): (documentId: string) => string {
  const input = { namespace, topic, applicant, documents: [{ documentId: idHole, kind: 'passport' }], priority: 0 };
  const [head, tail] = cut(writePost(token, toBody('Register', registerText, input)), idHole);
  return (documentId) => head + documentId + tail;
}

/** Providers whose windows do not end while something is measured. */
export const providers = 28;

export function providerName(number: number): string {
  return `P${number}`;
}

/** A request that submits a purchase request to one of the providers. */
export function prepareSubmit(token: string, caller: number): (itemId: string) => string {
  const input = {
    namespace,
    customer: { externalId: `customer-${caller}`, email: 'customer@example.org' },
    providerExternalId: providerName(caller % providers),
    item: { externalId: idHole, description: 'WHITE HANGING HEART T-LIGHT HOLDER', quantity: 6 },
    answerWithinDays: 3,
  };
  const [head, tail] = cut(writePost(token, toBody('Submit', submitText, input)), idHole);
  return (itemId) => head + itemId + tail;
}

export function prepareClaim(token: string, waitMs = 0): string {
  return writePost(token, toBody('Claim', claimText, { namespace, topics: [topic], waitMs }));
}

/** A request that approves a case under a lease. */
export function prepareDecide(token: string): (caseId: string, leaseToken: string) => string {
  const input = { caseId: idHole, leaseToken: tokenHole, verdict: 'APPROVE' };
  const [head, rest] = cut(writePost(token, toBody('Decide', decideText, input)), idHole);
  const [middle, tail] = cut(rest, tokenHole);
  return (caseId, leaseToken) => head + caseId + middle + leaseToken + tail;
}

/** The UUID after `"id":"` or `"token":"` in an answer. */
export function readUuid(answer: string, field: 'id' | 'token'): string {
  const mark = `"${field}":"`;
  const at = answer.indexOf(mark);
  if (at === -1) throw new Error(`No ${field} in ${answer}`);
  return answer.slice(at + mark.length, at + mark.length + uuidLength);
}

/**
 * The ids of the documents that lie ready for a run, so that driver and loader need not exchange lists.
 * They have the form of the product's own ids.
 */
export function documentId(run: number, caller: number, number: number): string {
  const count = number.toString(16).padStart(8, '0');
  return `${run.toString(16).padStart(4, '0')}${count.slice(0, 4)}-${count.slice(4)}-7000-8${caller.toString(16).padStart(3, '0')}-000000000000`;
}

export const applicantPrefix = 'applicant-';

export function applicantName(caller: number): string {
  return `${applicantPrefix}${caller}`;
}

export function producerName(caller: number): string {
  return `producer-${caller}`;
}

export function auditorName(caller: number): string {
  return `auditor-${caller}`;
}

function toBody(operationName: string, query: string, input: object): string {
  return JSON.stringify({ operationName, query, variables: { input } });
}

function cut(text: string, hole: string): [string, string] {
  const at = text.indexOf(hole);
  return [text.slice(0, at), text.slice(at + hole.length)];
}
