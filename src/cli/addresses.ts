/** An address as it may be shown: without the password in it, if there is one. Takes lists with commas too. */
export function withoutPassword(address: string): string {
  return address.replaceAll(/(:\/\/[^/@,:]*):[^/@,]*@/g, '$1@');
}
