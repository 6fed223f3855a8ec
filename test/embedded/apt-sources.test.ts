import { expect, test } from 'vitest';
import { findArchive } from '../../src/embedded/apt-sources.ts';

const debian = 'ID=debian\nVERSION_CODENAME=bookworm\n';
const ubuntu = 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n';

test('a Debian machine with paragraph sources: its archive, newest suite first', () => {
  const text = `Types: deb
# a note
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
`;
  expect(findArchive([{ name: 'debian.sources', text }], debian)).toEqual({
    uris: 'http://archive.example/debian',
    suites: ['unstable', 'testing', 'stable', 'bookworm'],
    components: 'main',
    signedBy: '/usr/share/keyrings/archive.gpg',
  });
});

test('an Ubuntu machine with one-line sources: universe is added, pockets and sources are passed over', () => {
  const text = `# deb http://old.example/ubuntu noble main
deb cdrom:[Ubuntu]/ noble main
deb-src http://archive.example/ubuntu noble main
deb http://archive.example/ubuntu noble-updates main
deb [arch=amd64 signed-by=/usr/share/keyrings/archive.gpg] http://archive.example/ubuntu noble main restricted # the release
`;
  expect(findArchive([{ name: 'sources.list', text }], ubuntu)).toEqual({
    uris: 'http://archive.example/ubuntu',
    suites: ['devel', 'noble'],
    components: 'main universe',
    signedBy: '/usr/share/keyrings/archive.gpg',
  });
});

test("third parties' archives are never taken", () => {
  const files = [
    { name: 'cloud.list', text: 'deb https://packages.example/apt cloud-bookworm main\n' },
    { name: 'node.sources', text: 'Types: deb\nURIs: https://node.example/20\nSuites: nodistro\nComponents: main\n' },
  ];
  expect(findArchive(files, debian)).toBeUndefined();
});

test('a key that stands in the paragraph itself is kept as it is, line by line', () => {
  const text = `Types: deb
URIs: http://archive.example/debian
Suites: stable
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
`;
  const archive = findArchive([{ name: 'debian.sources', text }], debian);
  expect(archive?.signedBy).toBe(
    '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----',
  );
  expect(archive?.suites).toEqual(['unstable', 'testing', 'stable']);
});

test('a derived distribution is served by the archive of the release that it is derived from', () => {
  const mint = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n';
  const text = 'deb http://mint.example wilma main upstream\ndeb http://archive.example/ubuntu noble main universe\n';
  const own = findArchive([{ name: 'sources.list', text }], mint);
  expect(own).toMatchObject({ uris: 'http://archive.example/ubuntu', suites: ['devel', 'noble'] });
});

test('a switched-off paragraph is not used', () => {
  const text = 'Enabled: no\nTypes: deb\nURIs: http://archive.example/debian\nSuites: bookworm\nComponents: main\n';
  expect(findArchive([{ name: 'debian.sources', text }], debian)).toBeUndefined();
});
