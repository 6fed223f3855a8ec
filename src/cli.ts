import { Command } from 'commander';
import { addBackup, addRestore } from './cli/backup.ts';
import { addDashboard } from './cli/dashboard.ts';
import { addDoctor } from './cli/doctor.ts';
import { addInspect } from './cli/inspect.ts';
import { addLoad } from './cli/load.ts';
import { addMigrate } from './cli/migrate.ts';
import { addProvision } from './cli/provision.ts';
import { addReadBounce } from './cli/read-bounce.ts';
import { addReplayRequests } from './cli/replay-requests.ts';
import { addSchema } from './cli/schema.ts';
import { addSeed } from './cli/seed.ts';
import { addToken } from './cli/token.ts';
import { addUp } from './cli/up.ts';

const program = new Command('caseload')
  .description('Hands out work fairly, to one holder at a time, to people and machines.')
  .showHelpAfterError('(caseload --help shows the commands)');

addUp(program);
addMigrate(program);
addProvision(program);
addToken(program);
addSeed(program);
addInspect(program);
addDoctor(program);
addLoad(program);
addReplayRequests(program);
addReadBounce(program);
addSchema(program);
addBackup(program);
addRestore(program);
addDashboard(program);

await program.parseAsync();
