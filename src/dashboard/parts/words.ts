/** `OVERDUE_SOON` or `register-extract` as people write it. */
export function inWords(name: string): string {
  const text = name.replaceAll(/[-_]/g, ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name of a detail; one that is so short is an abbreviation. */
export function nameDetail(key: string): string {
  return key.length <= 3 ? key.toUpperCase() : inWords(key);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** The short form of an id that people compare by eye: its end, which differs. */
export function shortId(id: string): string {
  return id.slice(-8);
}
