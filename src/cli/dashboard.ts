import type { Command } from 'commander';
import { fail } from './surroundings.ts';

export function addDashboard(program: Command): void {
  program
    .command('dashboard')
    .description('build the dashboard into dist/dashboard, when it is missing or older than its sources')
    .action(async () => {
      const { buildDashboard, DashboardBuildError } = await import('../site/build-dashboard.ts');
      const { dashboardFolder } = await import('../site/dashboard-files.ts');
      try {
        const built = await buildDashboard();
        process.stdout.write(`${dashboardFolder}: ${built ? 'built' : 'up to date'}\n`);
      } catch (error) {
        if (error instanceof DashboardBuildError) fail(error.message);
        throw error;
      }
    });
}
