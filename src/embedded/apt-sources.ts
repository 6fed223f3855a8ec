/** A file of the machine's package source configuration. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Where the machine gets its distribution's packages from. */
export interface Archive {
  /** Addresses as configured, passed on to apt unchanged. */
  readonly uris: string;
  /** The suites to look into, newest first. */
  readonly suites: readonly string[];
  readonly components: string;
  /** Keyring, fingerprint or key block as configured; undefined leaves apt its own trusted keys. */
  readonly signedBy: string | undefined;
}

interface Entry {
  readonly types: readonly string[];
  readonly uris: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

const movingSuites = ['stable', 'testing', 'unstable', 'sid', 'oldstable', 'devel'] as const;

/**
 * Picks the distribution's own archive out of all configured package sources: the entry of the machine's release with
 * the component `main`, not its security or update pockets and not a third party's.
 * @param osRelease the text of /etc/os-release
 */
export function findArchive(files: readonly SourceFile[], osRelease: string): Archive | undefined {
  const release = parseOsRelease(osRelease);
  // A derived distribution names the release that it is derived from; nats-server comes from that one's archive.
  const codenames = [release.UBUNTU_CODENAME, release.DEBIAN_CODENAME, release.VERSION_CODENAME].filter(
    (name) => name !== undefined,
  );
  const entries = files.flatMap((file) =>
    file.name.endsWith('.sources') ? parseDeb822(file.text) : parseOneLine(file.text),
  );
  const usable = entries.filter(
    (entry) => entry.types.includes('deb') && entry.components.includes('main') && !entry.uris.startsWith('cdrom:'),
  );
  const found = firstWithSuite(usable, codenames) ?? firstWithSuite(usable, movingSuites);
  if (found === undefined) return undefined;
  const isUbuntu = `${release.ID ?? ''} ${release.ID_LIKE ?? ''}`.includes('ubuntu');
  const newest = isUbuntu ? ['devel'] : ['unstable', 'testing', 'stable'];
  return {
    uris: found.entry.uris,
    suites: [...new Set([...newest, found.suite])],
    components: isUbuntu ? 'main universe' : 'main',
    signedBy: found.entry.signedBy,
  };
}

function firstWithSuite(
  entries: readonly Entry[],
  wanted: readonly string[],
): { readonly entry: Entry; readonly suite: string } | undefined {
  for (const suite of wanted) {
    const entry = entries.find((candidate) => candidate.suites.includes(suite));
    if (entry !== undefined) return { entry, suite };
  }
  return undefined;
}

/** `deb [signed-by=… arch=…] uri suite component…` */
function parseOneLine(text: string): readonly Entry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, type, options, uri, suite, components] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options ?? '')?.[1];
    return [{ types: [type!], uris: uri!, suites: [suite!], components: words(components), signedBy }];
  });
}

/** Paragraphs of `Field: value` lines, where a line that starts with a space continues the field above it. */
function parseDeb822(text: string): readonly Entry[] {
  return text
    .split(/\n\s*\n/)
    .map(parseParagraph)
    .filter((fields) => fields.get('enabled')?.trim() !== 'no' && fields.has('uris'))
    .map((fields) => ({
      types: words(fields.get('types')),
      uris: words(fields.get('uris')).join(' '),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      signedBy: fields.get('signed-by')?.trimEnd(),
    }));
}

function parseParagraph(paragraph: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of paragraph.split('\n')) {
    if (line.startsWith('#')) continue;
    const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (field !== null) {
      current = field[1]!.toLowerCase();
      fields.set(current, field[2]!);
    } else if (current !== undefined && /^\s/.test(line)) {
      fields.set(current, `${fields.get(current)}\n${line}`);
    }
  }
  return fields;
}

function parseOsRelease(text: string): Readonly<Record<string, string | undefined>> {
  const pairs = text.split('\n').flatMap((line) => {
    const match = /^([A-Z_]+)=["']?(.*?)["']?\s*$/.exec(line);
    return match === null ? [] : [[match[1]!, match[2]!] as const];
  });
  return Object.fromEntries(pairs);
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
