import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Which addresses beside public ones may be called. */
export type PrivateAddresses = 'none' | 'loopback' | 'all';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** The special-purpose ranges of RFC 6890 and its registries that are not for the public internet. */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');

// Everything in use is under 2000::/3. What embeds an IPv4 address would lead around the list above.
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6');

const mapped = /^::ffff:(?:0:)?(\d+\.\d+\.\d+\.\d+)$/i;

/** Whether an address may be called. @param address an IPv4 or IPv6 address, without a zone */
export function mayCall(address: string, allowed: PrivateAddresses): boolean {
  if (allowed === 'all') return isIP(address) !== 0;
  const plain = mapped.exec(address)?.[1] ?? address;
  const family = isIP(plain);
  if (family === 0) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (allowed === 'loopback' && loopback.check(plain, type)) return true;
  if (notPublic.check(plain, type)) return false;
  return family === 4 || publicIpv6.check(plain, 'ipv6');
}

/** The host's name leads to an address that may not be called. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * Finds the addresses of a host, once. They are the ones to connect to: to ask again for the connection would let the
 * answer change in between. One address that may not be called refuses the host.
 * @param host a name or an address, IPv6 without brackets
 * @throws AddressRefused, or the resolver's error
 */
export async function resolveAllowed(host: string, allowed: PrivateAddresses): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  const addresses = family === 0 ? await lookup(host, { all: true, verbatim: true }) : [{ address: host, family }];
  const refused = addresses.find(({ address }) => !mayCall(address, allowed));
  if (refused !== undefined || addresses.length === 0)
    throw new AddressRefused('The host is not on the public internet');
  return addresses;
}
