import { join } from 'node:path';
import { developmentNamespace, developmentPeople } from '../../auth/development-people.ts';
import { issueToken } from '../../auth/tokens.ts';
import type { Config } from '../../config.ts';
import type { Role } from '../../domain/actor.ts';
import { writePrivately } from './settings.ts';

/** Somebody to try things as. */
export interface ExamplePerson {
  readonly name: string;
  readonly role: Role;
  readonly token: string;
  /** Holds the token, for commands that are to be pasted. */
  readonly tokenFile: string;
}

const expiresInSeconds = 30 * 86_400;

const peopleOfExamples = developmentPeople.filter(({ everywhere }) => everywhere !== true);

/** Signs a token for each of them, good for 30 days, and puts it into a file that only its owner may read. */
export async function createExamplePeople(home: string, config: Config): Promise<readonly ExamplePerson[]> {
  return Promise.all(
    peopleOfExamples.map(async ({ name, role }) => {
      const token = await issueToken({
        subject: name,
        namespace: developmentNamespace,
        roles: [role],
        secret: config.authSecret ?? '',
        expiresInSeconds,
        issuer: config.authIssuer,
        audience: config.authAudience,
      });
      const tokenFile = join(home, 'tokens', name);
      writePrivately(tokenFile, token);
      return { name, role, token, tokenFile };
    }),
  );
}
