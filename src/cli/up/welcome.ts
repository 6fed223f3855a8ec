import { withoutPassword } from '../addresses.ts';
import { exampleNamespace } from '../seed/example-cases.ts';
import type { ExamplePerson } from './people.ts';

export interface WelcomeFacts {
  readonly publicUrl: string;
  readonly databaseUrl: string;
  /** Undefined where the database is somebody else's. */
  readonly passwordFile: string | undefined;
  readonly natsUrl: string;
  readonly monitorPort: number | undefined;
  /** Where mails are kept; undefined when they go to a server. */
  readonly mailFolder: string | undefined;
  readonly people: readonly ExamplePerson[];
}

/** What `caseload up` prints when everything runs: where to look, who to be, what to try. */
export function describeWelcome(facts: WelcomeFacts): string {
  return [
    'Addresses',
    ...describeAddresses(facts).map(([name, address]) => `  ${name.padEnd(12)}${address}`),
    '',
    `Tokens for the namespace ${exampleNamespace}, good for 30 days (also in files, which the commands below read)`,
    ...facts.people.flatMap(({ name, role, token }) => [`  ${name}, ${role}`, `    ${token}`]),
    '',
    'Three things to try, in another terminal',
    ...thingsToTry(facts).flatMap(({ what, command }) => [`  ${what}`, '', ...indent(command), '']),
  ].join('\n');
}

function describeAddresses(facts: WelcomeFacts): readonly (readonly [string, string])[] {
  const { publicUrl, monitorPort, natsUrl, mailFolder } = facts;
  const nats = withoutPassword(natsUrl);
  return [
    ['Dashboard', `${publicUrl}/`],
    ['GraphiQL', `${publicUrl}/graphql`],
    ['Metrics', `${publicUrl}/metrics`],
    ...(mailFolder === undefined ? [] : [['Mail', `${mailFolder}, nothing leaves this machine`] as const]),
    ['PostgreSQL', psqlCommand(facts)],
    ['NATS', `nats -s ${nats} stream ls`],
    ...(monitorPort === undefined ? [] : [['NATS pages', `http://127.0.0.1:${monitorPort}/`] as const]),
  ];
}

function psqlCommand({ databaseUrl, passwordFile }: WelcomeFacts): string {
  const address = `psql '${withoutPassword(databaseUrl)}'`;
  return passwordFile === undefined ? address : `PGPASSWORD="$(cat ${quote(passwordFile)})" ${address}`;
}

export interface ThingToTry {
  readonly what: string;
  /** For a POSIX shell. */
  readonly command: string;
}

export function thingsToTry(facts: WelcomeFacts): readonly ThingToTry[] {
  const as = (name: string, query: string, options = ''): string => {
    const person = facts.people.find((candidate) => candidate.name === name)!;
    return [
      `curl -s${options} ${facts.publicUrl}/graphql -H 'content-type: application/json' \\`,
      `  -H "authorization: Bearer $(cat ${quote(person.tokenFile)})" \\`,
      `  -d ${quote(JSON.stringify({ query }))}`,
    ].join('\n');
  };
  return [
    {
      what: '1. Watch what happens (it stays open; the next two show up in it)',
      command: as(
        'olga',
        `subscription { caseUpdated(namespace: "${exampleNamespace}") { at type actor case { id topic status applicant { name } } } }`,
        "N -H 'accept: text/event-stream'",
      ),
    },
    {
      what: '2. Register a case as alice',
      command: as(
        'alice',
        `mutation { register(input: { namespace: "${exampleNamespace}", applicant: { name: "Example Company", email: "office@example.com" } }) { __typename ... on CaseRegistered { case { id topic status priority } } } }`,
      ),
    },
    {
      what: '3. Claim the best open case as bob',
      command: as(
        'bob',
        `mutation { claimNextCase(input: { namespace: "${exampleNamespace}" }) { __typename ... on CaseClaimed { case { id applicant { name } documents { fileName url } } lease { token expiresAt } } ... on ClaimLimitReached { leases { case { id } lease { token expiresAt } } } } }`,
      ),
    },
  ];
}

/** A text as one word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function indent(text: string): readonly string[] {
  return text.split('\n').map((line) => `    ${line}`);
}
