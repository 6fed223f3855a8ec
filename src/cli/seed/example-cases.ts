import { readFileSync } from 'node:fs';
import { developmentNamespace, developmentPeople } from '../../auth/development-people.ts';
import { parseCsv } from './parse-csv.ts';

/** The namespace that comes with example data, and who registers it. */
export const exampleNamespace = developmentNamespace;
export const exampleApplicant = developmentPeople[0]!.name;

const folder = new URL('../../../data/', import.meta.url);

/** A company of `data/companies.csv` as the case that it becomes. */
export interface ExampleCase {
  /** The company's number at the SEC: by it a case that is there already is found again. */
  readonly cik: string;
  readonly topic: string;
  readonly priority: number;
  readonly applicant: {
    readonly name: string;
    readonly email: string;
    readonly details: Readonly<Record<string, string>>;
  };
  readonly documents: readonly ExampleDocument[];
}

export interface ExampleDocument {
  readonly kind: string;
  readonly fileName: string;
  readonly contentType: string;
}

const extracts: readonly ExampleDocument[] = [
  'minimal-document.pdf',
  '002-trivial-libre-office-writer.pdf',
  'habibi.pdf',
  'pdflatex-4-pages.pdf',
  'libreoffice-form.pdf',
].map((fileName) => ({ kind: 'register-extract', fileName, contentType: 'application/pdf' }));

const proofs: readonly ExampleDocument[] = [
  { kind: 'proof-of-address', fileName: 'page-0-X0.png', contentType: 'image/png' },
  { kind: 'proof-of-address', fileName: 'image.jpg', contentType: 'image/jpeg' },
];

/** Cases of health care go through a topic of their own, before the others. */
const fastSector = 'Health Care';

/** The example cases, the same at each call. */
export function readExampleCases(): readonly ExampleCase[] {
  return parseCsv(readFileSync(new URL('companies.csv', folder), 'utf8')).map(toCase);
}

export function readExampleDocument(fileName: string): Buffer<ArrayBuffer> {
  return Buffer.from(readFileSync(new URL(`documents/${fileName}`, folder)));
}

function toCase(row: Readonly<Record<string, string>>, index: number): ExampleCase {
  const { company = '', ticker = '', sector = '', industry = '', headquarters = '', cik = '', founded = '' } = row;
  const fast = sector === fastSector;
  const extract = extracts[index % extracts.length]!;
  const proof = proofs[index % proofs.length]!;
  return {
    cik,
    topic: fast ? 'kyc-fast' : 'cases',
    priority: (fast ? 1 : 100) + decadeSince1800(founded),
    applicant: {
      name: company,
      email: `onboarding@${ticker.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')}.example`,
      details: { ticker, sector, industry, headquarters, cik, founded },
    },
    documents: index % 2 === 0 ? [extract, proof] : [extract],
  };
}

/** The longer a company has been there, the sooner it is looked at. */
function decadeSince1800(founded: string): number {
  return Math.floor((Number(founded) - 1800) / 10);
}
